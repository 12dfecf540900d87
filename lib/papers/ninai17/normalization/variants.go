// SPDX-License-Identifier: Apache-2.0

// Package normalization has the networks and settings behind the tables on normalisation in [NINAI17]: the
// convolutional network of table 10, the language models of table 11, and the super-resolution network of tables 12 and
// 13, each with any of the document's normalisations. The document gives few of the settings; the others are those of
// its authors' program.
package normalization

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/nn"
)

// A Variant is a normalisation of the tables. In a name, "-s" stands for a larger sigma and "*" for that and the
// penalty on centred activations.
type Variant string

// The variants. DN always has its sigma.
const (
	Baseline Variant = "baseline"
	BN       Variant = "BN"
	BNs      Variant = "BN-s"
	BNStar   Variant = "BN*"
	LN       Variant = "LN"
	LNs      Variant = "LN-s"
	LNStar   Variant = "LN*"
	DN       Variant = "DN"
	DNStar   Variant = "DN*"
)

// Variants are all variants, in the order of the columns of figure 11.
var Variants = []Variant{Baseline, BN, BNs, BNStar, LN, LNs, LNStar, DN, DNStar}

// Check returns an error unless v is one of Variants.
func (v Variant) Check() error {
	if !slices.Contains(Variants, v) {
		return fmt.Errorf("normalization: there is no variant %q: use one of %v", string(v), Variants)
	}
	return nil
}

// plain is the sigma of BN and LN.
const plain = 0.01

// scheme returns the fields of a variant, with windows of the given side for DN. It has no name for Baseline.
func (v Variant) scheme(window int, sigma float64) nn.Scheme {
	s := nn.Scheme{Name: string(v), Sigma: sigma}
	switch v {
	case BN, BNs, BNStar:
		s.A, s.B, s.Affine = nn.Field{Batch: true}, nn.Field{Batch: true}, true
	case LN:
		s.Affine = true
	case LNs, LNStar:
	case DN, DNStar:
		s.A, s.B = nn.Field{Window: window}, nn.Field{Window: window}
	default:
		s.Name = ""
	}
	return s
}

// A Strength is the sigma of a normalisation and the weight of its penalty.
type Strength struct {
	Sigma float64 `json:"sigma,omitempty"`
	L1    float32 `json:"l1,omitempty"`
}

// Images are the strengths for the convolutional network, by variant and number of classes: 10 for CIFAR-10 and 100 for
// CIFAR-100. "-s" has the sigma of "*".
func Images(v Variant, classes int) Strength {
	hundred := classes > 10
	pick := func(ten, other Strength) Strength {
		if hundred {
			return other
		}
		return ten
	}
	switch v {
	case BN, LN:
		return Strength{plain, 0}
	case BNs:
		return Strength{Images(BNStar, classes).Sigma, 0}
	case BNStar:
		return pick(Strength{1, 0.005}, Strength{0.25, 0.01})
	case LNs, DN:
		return Strength{0.5, 0}
	case LNStar:
		return Strength{0.5, 0.005}
	case DNStar:
		return pick(Strength{0.5, 0.005}, Strength{0.5, 0.001})
	}
	return Strength{}
}
