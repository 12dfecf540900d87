// SPDX-License-Identifier: Apache-2.0

package normalization

import "github.com/lateral-ml/lateral/lib/language"

// Table10 returns the document's accuracy on CIFAR-10 in per cent [NINAI17, table 10]; found is false for variants that
// the table lacks. RegularisedAccuracy is the row "Baseline + L2 + Dropout".
func Table10(v Variant) (accuracy float64, found bool) {
	accuracy, found = map[Variant]float64{Baseline: 75.65, BN: 78.07, LN: 72.11, DN: 80.58, DNStar: 81.22}[v]
	return accuracy, found
}

// RegularisedAccuracy is the document's accuracy of [Regularised] on CIFAR-10 in per cent.
const RegularisedAccuracy = 77.95

// TableVariants are the rows of tables 10 and 11.
var TableVariants = []Variant{Baseline, BN, LN, DN, DNStar}

// Table11 returns the document's perplexity on the Penn Treebank [NINAI17, table 11]; found is false for variants that
// the table lacks.
func Table11(v Variant, cell language.Cell) (perplexity float64, found bool) {
	row, found := map[Variant][3]float64{
		Baseline: {115.720, 149.357, 147.630}, BN: {123.245, 148.052, 164.977}, LN: {119.247, 154.324, 149.128},
		DN: {103.714, 132.143, 118.789}, DNStar: {102.238, 123.652, 117.868},
	}[v]
	return row[map[language.Cell]int{language.LSTM: 0, language.Tanh: 1, language.ReLU: 2}[cell]], found
}

// Tables12And13 returns the document's quality of a method on test photographs [NINAI17, tables 12 and 13]: photographs
// is "set14" or "bsds500-test", the name of "BSD200"; method is "bicubic", "A+" or a variant, of which the table has
// Baseline (its row SRCNN), BN and DNStar; scale is 3 or 4. found is false for others.
func Tables12And13(photographs, method string, scale int) (q Quality, found bool) {
	rows := map[string][4]float64{ // PSNR and SSIM for 3, then for 4
		"set14 bicubic": {27.54, .7733, 26.01, .7018}, "set14 A+": {29.13, .8188, 27.32, .7491},
		"set14 baseline": {29.35, .8212, 27.53, .7512}, "set14 BN": {22.31, .7530, 21.40, .6851},
		"set14 DN*":            {29.34, .8219, 27.64, .7562},
		"bsds500-test bicubic": {27.19, .7636, 25.92, .6952}, "bsds500-test A+": {27.05, .7945, 25.51, .7171},
		"bsds500-test baseline": {28.42, .8100, 26.87, .7378}, "bsds500-test BN": {21.89, .7553, 21.53, .6741},
		"bsds500-test DN*": {28.44, .8110, 26.96, .7428},
	}
	row, found := rows[photographs+" "+method]
	if scale != 3 && scale != 4 {
		return Quality{}, false
	}
	at := 2 * (scale - 3)
	return Quality{row[at], row[at+1]}, found
}

// Figure11 returns the document's relation of the first layer's filters of a variant [NINAI17, figure 11]. Its columns
// lost their labels; we assign them in the order of [Variants].
func Figure11(v Variant) Relation {
	return map[Variant]Relation{
		Baseline: {.1677, .3774}, BN: {.5269, 1.4878}, BNs: {.2521, .9912}, BNStar: {.1578, .7287}, LN: {.7199, 1.7784},
		LNs: {.1995, .8959}, LNStar: {.1512, .6986}, DN: {.1958, .8951}, DNStar: {.2031, .8412},
	}[v]
}
