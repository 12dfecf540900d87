// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Dictionary holds K atoms of length 1, each of the shape of a patch, and what encoders need beside them. It does not
// change, except under a learner; until then any number of goroutines may use it.
type Dictionary struct {
	atoms *tensor.Tensor // [K, ...]
	gram  *tensor.Tensor // [K, K]
	gains *tensor.Tensor // [K]
}

// duplicate is the distance of two atoms, or of one and the negative of the other, up to which they count as equal.
const duplicate = 1e-5

// NewDictionary returns the dictionary of these atoms [K, ...], scaled to length 1. The dimensions behind the first are
// the shape of a patch, such as [16, 16]. The error says which atom is zero or not finite, or which two are equal up to
// a factor.
func NewDictionary(atoms *tensor.Tensor) (*Dictionary, error) {
	if atoms.Rank() < 2 || atoms.Rows() == 0 || atoms.Width() == 0 {
		return nil, fmt.Errorf("sparsecode: atoms of shape %v: want [atoms, pixels] or [atoms, height, width], none zero",
			atoms.Shape())
	}
	d := newDictionary(atoms.Clone())
	for k := range d.Len() {
		if i, ok := firstNotFinite(d.atoms.Row(k)); ok {
			return nil, fmt.Errorf("sparsecode: atom %d: pixel %d is %v", k, i, d.atoms.Row(k)[i])
		}
		if !normalize(d.atoms.Row(k)) {
			return nil, fmt.Errorf("sparsecode: atom %d is zero: leave it out", k)
		}
	}
	d.refresh()
	if i, j, ok := d.twins(); ok {
		return nil, fmt.Errorf("sparsecode: atoms %d and %d are equal up to a factor: leave one out", i, j)
	}
	return d, nil
}

// RandomDictionary returns atoms whose directions are uniformly random, the usual start of learning. shape is that of a
// patch. It panics if there is no atom or no pixel.
func RandomDictionary(atoms int, seed uint64, shape ...int) *Dictionary {
	t := tensor.New(append([]int{atoms}, shape...)...)
	if len(shape) == 0 || t.Len() == 0 {
		panic(fmt.Sprintf("sparsecode: RandomDictionary: %d atoms of shape %v", atoms, shape))
	}
	tensor.Stream(seed, "sparsecode/dictionary").Normal(t.Data(), 0, 1)
	d := newDictionary(t)
	for k := range atoms {
		normalize(t.Row(k))
	}
	d.refresh()
	return d
}

func newDictionary(atoms *tensor.Tensor) *Dictionary {
	k := atoms.Rows()
	d := &Dictionary{atoms: atoms, gram: tensor.New(k, k), gains: tensor.New(k)}
	d.gains.Fill(1)
	return d
}

// Len returns the number of atoms, K.
func (d *Dictionary) Len() int { return d.atoms.Rows() }

// Shape returns the shape of a patch. The slice is the dictionary's own: do not change it.
func (d *Dictionary) Shape() []int { return d.atoms.Shape()[1:] }

// Pixels returns the number of elements of a patch, P.
func (d *Dictionary) Pixels() int { return d.atoms.Width() }

// Atoms returns the atoms [K, ...]. They are the dictionary's own: do not change them.
func (d *Dictionary) Atoms() *tensor.Tensor { return d.atoms }

// Gram returns the inner products of all pairs of atoms, C = Phi Phi^T [K, K], which [Thesis21, eq. 1.22] writes C_ij.
// They are the dictionary's own: do not change them.
func (d *Dictionary) Gram() *tensor.Tensor { return d.gram }

// Gains returns, for each atom, the size of coefficients that counts as one: costs are S(a_i / gain_i). [K]. They are 1
// unless a learner adapts them ([OlshausenField]), and pursuits have no use for them. In other programs an atom has the
// length gain_i instead, and the coefficient a_i / gain_i. They are the dictionary's own: do not change them.
func (d *Dictionary) Gains() []float32 { return d.gains.Data() }

// Reconstruct returns a Phi, the patches that codes [N, K] stand for -> [N, ...]. It panics if codes has another width.
func (d *Dictionary) Reconstruct(codes *tensor.Tensor) *tensor.Tensor {
	x := tensor.New(append([]int{codes.Rows()}, d.Shape()...)...)
	d.reconstruct(x.Data(), codes)
	return x
}

func (d *Dictionary) reconstruct(x []float32, codes *tensor.Tensor) {
	k, p := d.Len(), d.Pixels()
	if codes.Width() != k {
		panic(fmt.Sprintf("sparsecode: Reconstruct: codes of shape %v for %d atoms", codes.Shape(), k))
	}
	n := codes.Rows()
	product := simd.SparseProduct{Density: simd.Density(codes.Data(), n, k), Finite: true}
	product.Gemm(n, p, k, codes.Data(), k, d.atoms.Data(), p, x, p)
}

// refresh computes what depends on the atoms.
func (d *Dictionary) refresh() { d.refreshRows(0, d.Len()) }

// refreshRows computes some rows of the Gram matrix.
func (d *Dictionary) refreshRows(lo, hi int) {
	k, p := d.Len(), d.Pixels()
	simd.GemmNT(hi-lo, k, p, d.atoms.Data()[lo*p:hi*p], p, d.atoms.Data(), p, d.gram.Data()[lo*k:hi*k], k, false)
}

// largestEigenvalue returns an upper estimate of the largest eigenvalue of the Gram matrix, which bounds the curvature
// of 1/2 |x - a Phi|². v and w [K] are overwritten.
func (d *Dictionary) largestEigenvalue(v, w []float32) float64 {
	k := d.Len()
	for i := range v { // not orthogonal to anything in particular
		v[i] = 1 + float32(i%7)/8
		if i%3 == 1 {
			v[i] = -v[i]
		}
	}
	value := 0.0
	for range 300 {
		simd.Scale(v, 1/float32(math.Sqrt(float64(simd.SumSquares(v)))), v)
		simd.GemmNN(1, k, k, v, k, d.gram.Data(), k, w, k, false)
		before := value
		value = math.Sqrt(float64(simd.SumSquares(w)))
		if value-before <= 1e-5*value {
			break
		}
		v, w = w, v
	}
	return 1.02 * value
}

// twins finds the first two atoms that are equal up to their sign.
func (d *Dictionary) twins() (i, j int, ok bool) {
	for i := range d.Len() {
		for j, c := range d.gram.Row(i)[:i] {
			if c = max(c, -c); c > 0.999 && distance(d.atoms.Row(i), d.atoms.Row(j)) < duplicate {
				return j, i, true
			}
		}
	}
	return 0, 0, false
}

// distance returns the distance of two atoms of length 1, or that of a and -b if this is smaller.
func distance(a, b []float32) float64 {
	var minus, plus float64
	for i := range a {
		u, v := float64(a[i]), float64(b[i])
		minus += (u - v) * (u - v)
		plus += (u + v) * (u + v)
	}
	return math.Sqrt(min(minus, plus))
}

// normalize scales a finite vector to length 1, and reports false if it is zero.
func normalize(x []float32) bool {
	largest := 0.0
	for _, v := range x {
		largest = max(largest, math.Abs(float64(v)))
	}
	if largest == 0 {
		return false
	}
	sum := 0.0
	for _, v := range x {
		sum += float64(v) / largest * (float64(v) / largest)
	}
	length := largest * math.Sqrt(sum)
	for i, v := range x {
		x[i] = float32(float64(v) / length)
	}
	return true
}

func firstNotFinite(x []float32) (int, bool) {
	if simd.Finite(x) {
		return 0, false
	}
	i := slices.IndexFunc(x, func(v float32) bool { return v-v != 0 })
	return i, true
}

// The names of the tensors in a file of a dictionary.
const (
	atomsName = "atoms"
	gainsName = "gains"
)

// Save writes the dictionary to a file of safetensors, with the tensors "atoms" [K, ...] and "gains" [K]. The file
// appears whole or not at all.
func (d *Dictionary) Save(path string) error {
	named := []tensor.Named{{Name: atomsName, Tensor: d.atoms}, {Name: gainsName, Tensor: d.gains}}
	if err := tensor.SaveSafetensors(path, named, nil); err != nil {
		return fmt.Errorf("sparsecode: save a dictionary: %w", err)
	}
	return nil
}

// LoadDictionary reads a dictionary that [Dictionary.Save] wrote, or the tensor "atoms" of another program. If shape is
// given, the file must hold atoms of this shape. The atoms of Save come back bit by bit.
func LoadDictionary(path string, shape ...int) (*Dictionary, error) {
	named, _, err := tensor.LoadSafetensors(path)
	if err != nil {
		return nil, fmt.Errorf("sparsecode: load a dictionary: %w", err)
	}
	fail := func(format string, args ...any) (*Dictionary, error) {
		return nil, fmt.Errorf("sparsecode: load a dictionary: %s: %w", path, fmt.Errorf(format, args...))
	}
	var atoms, gains *tensor.Tensor
	for _, n := range named {
		switch n.Name {
		case atomsName:
			atoms = n.Tensor
		case gainsName:
			gains = n.Tensor
		}
	}
	if atoms == nil {
		return fail("no tensor %q in it", atomsName)
	}
	d, err := NewDictionary(atoms)
	if err != nil {
		return fail("%w", err)
	}
	if len(shape) > 0 && !slices.Equal(shape, d.Shape()) {
		return fail("atoms of %s pixels, want %s", extent(d.Shape()), extent(shape))
	}
	if gains != nil {
		if err := d.setGains(gains); err != nil {
			return fail("%w", err)
		}
		d.keepScale(atoms)
	}
	return d, nil
}

func (d *Dictionary) setGains(gains *tensor.Tensor) error {
	if gains.Rank() != 1 || gains.Len() != d.Len() {
		return fmt.Errorf("gains of shape %v for %d atoms", gains.Shape(), d.Len())
	}
	for k, g := range gains.Data() {
		if !(g > 0) || math.IsInf(float64(g), 1) {
			return fmt.Errorf("the gain of atom %d is %v: want a positive number", k, g)
		}
	}
	d.gains.CopyFrom(gains)
	return nil
}

// keepScale takes atoms as they are if they have length 1 but for rounding: scaling them again could move the last bit.
func (d *Dictionary) keepScale(atoms *tensor.Tensor) {
	for k := range d.Len() {
		sum := 0.0
		for _, v := range atoms.Row(k) {
			sum += float64(v) * float64(v)
		}
		if math.Abs(sum-1) > 1e-6 {
			return
		}
	}
	d.atoms.CopyFrom(atoms)
	d.refresh()
}

// extent writes a shape for people: 16x16.
func extent(shape []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", "x"), "[]")
}
