// SPDX-License-Identifier: Apache-2.0

package competitive_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	. "github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func netInputs(n, units int) *autograd.Var {
	t := tensor.New(n, units)
	tensor.Stream(1, "net inputs").Normal(t.Data(), 0, 1)
	return autograd.NewParam(t)
}

type operation func(z *autograd.Var) *autograd.Var

func TestGradients(t *testing.T) {
	z := netInputs(9, 12)
	for name, f := range map[string]operation{
		"LWTA 2":   func(z *autograd.Var) *autograd.Var { return LWTA(z, 2) },
		"LWTA 1":   func(z *autograd.Var) *autograd.Var { return LWTA(z, 1) },
		"LWTA 12":  func(z *autograd.Var) *autograd.Var { return LWTA(z, 12) },
		"Maxout 3": func(z *autograd.Var) *autograd.Var { return Maxout(z, 3) },
		"KWTA 1":   func(z *autograd.Var) *autograd.Var { return KWTA(z, 1) },
		"KWTA 5":   func(z *autograd.Var) *autograd.Var { return KWTA(z, 5) },
		"KWTA 12":  func(z *autograd.Var) *autograd.Var { return KWTA(z, 12) },
	} {
		t.Run(name, func(t *testing.T) {
			err := gradcheck.Check(gradcheck.Config{Samples: 108}, func(t *autograd.Tape) *autograd.Var {
				in := autograd.Scale(autograd.Add(z, t.Input(tensor.New(9, 12))), 1.5)
				return autograd.Add(autograd.Square(f(in)), f(in))
			}, z)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// Maps compete at each position in the same way as the units of a dense layer with the values of that position.
func TestMapsCompete(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 2}, {2, 1}, {2, 4}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) { mapsCompete(t, size[0], size[1]) })
	}
}

func mapsCompete(t *testing.T, h, w int) {
	const n, channels, block = 3, 6, 3
	places := h * w
	maps := tensor.New(n, channels, h, w)
	tensor.Stream(1, "maps").Normal(maps.Data(), 0, 1)
	maps.Set(float32(math.NaN()), 1, 0, h-1, w-1)
	copy(maps.Row(2)[places:2*places], maps.Row(2)[:places]) // ties
	units := tensor.New(n*places, channels)                  // one row for each position
	for i := range n {
		for c := range channels {
			for p := range places {
				units.Set(maps.Row(i)[c*places+p], i*places+p, c)
			}
		}
	}
	tape := autograd.NewTape(1)
	for name, f := range map[string]operation{
		"LWTA":   func(z *autograd.Var) *autograd.Var { return LWTA(z, block) },
		"Maxout": func(z *autograd.Var) *autograd.Var { return Maxout(z, block) },
	} {
		got, want := f(tape.Input(maps)), f(tape.Input(units))
		out := want.Width()
		if shape := got.Shape(); !slices.Equal(shape, []int{n, out, h, w}) {
			t.Fatalf("%s: shape %v", name, shape)
		}
		gotMask, wantMask := Submask(got), Submask(want)
		for i := range n {
			for p := range places {
				for c := range out {
					if a, b := got.Value().Row(i)[c*places+p], want.Value().Row(i*places + p)[c]; a != b {
						t.Fatalf("%s: image %d, map %d, place %d: %g, want %g", name, i, c, p, a, b)
					}
				}
				for c := range channels {
					if gotMask.Row(i)[c*places+p] != wantMask.Row(i*places + p)[c] {
						t.Fatalf("%s: image %d, map %d, place %d: the masks differ", name, i, c, p)
					}
				}
			}
		}
	}
}

func TestGradientsOfMaps(t *testing.T) {
	value := tensor.New(2, 4, 3, 2)
	tensor.Stream(1, "maps").Normal(value.Data(), 0, 1)
	z := autograd.NewParam(value)
	for name, f := range map[string]operation{
		"LWTA": func(z *autograd.Var) *autograd.Var { return LWTA(z, 2) },
		"Maxout and pooling": func(z *autograd.Var) *autograd.Var {
			return autograd.MaxPool2D(Maxout(z, 4), autograd.Pool{H: 2, W: 2, StrideH: 1, StrideW: 1})
		},
	} {
		err := gradcheck.Check(gradcheck.Config{Samples: 48}, func(t *autograd.Tape) *autograd.Var {
			return autograd.Square(f(autograd.Add(z, t.Input(tensor.New(2, 4, 3, 2)))))
		}, z)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The winners of two rows, computed by hand, with ties, a negative winner and a NaN.
func TestByHand(t *testing.T) {
	nan := float32(math.NaN())
	tape := autograd.NewTape(1)
	z := tape.Input(tensor.From([]float32{
		1, 3, 2, 2, -1, -4,
		0, 0, nan, 5, 7, nan,
	}, 2, 6))
	for _, c := range []struct {
		name                string
		y                   *autograd.Var
		out, mask           []float32
		winners             []int32
		wantRows, wantWidth int
	}{
		{"LWTA", LWTA(z, 2), []float32{0, 3, 2, 0, -1, 0, 0, 0, 0, 5, 7, 0},
			[]float32{0, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0}, []int32{1, 0, 0, 0, 1, 0}, 2, 6},
		{"Maxout", Maxout(z, 3), []float32{3, 2, 0, 7},
			[]float32{0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0}, []int32{1, 0, 0, 1}, 2, 2},
		{"KWTA", KWTA(z, 2), []float32{0, 3, 2, 0, 0, 0, 0, 0, 0, 5, 7, 0},
			[]float32{0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0}, []int32{1, 2, 3, 4}, 2, 6},
	} {
		if c.y.Rows() != c.wantRows || c.y.Width() != c.wantWidth || !slices.Equal(c.y.Data(), c.out) {
			t.Errorf("%s = %v of shape %v, want %v", c.name, c.y.Data(), c.y.Shape(), c.out)
		}
		if got := Winners(c.y); !slices.Equal(got, c.winners) {
			t.Errorf("%s: winners %v, want %v", c.name, got, c.winners)
		}
		if got := Submask(c.y).Data(); !slices.Equal(got, c.mask) {
			t.Errorf("%s: submask %v, want %v", c.name, got, c.mask)
		}
	}
	relu := autograd.ReLU(z)
	if got, want := Submask(relu).Data(), []float32{1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("submask of ReLU %v, want %v", got, want)
	}
}

// The k largest elements are those of a stable sort, for values with many ties.
func TestKWTAAgainstSorting(t *testing.T) {
	rng := tensor.Stream(2, "ties")
	for units := 1; units <= 40; units++ {
		z := tensor.New(3, units)
		for i := range z.Data() {
			z.Data()[i] = float32(rng.IntN(6))
		}
		for k := 1; k <= units; k++ {
			y := KWTA(autograd.NewTape(1).Input(z), k)
			for r := range 3 {
				order := make([]int32, units)
				for i := range order {
					order[i] = int32(i)
				}
				slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(z.Row(r)[b], z.Row(r)[a]) })
				want := slices.Sorted(slices.Values(order[:k]))
				if got := Winners(y)[r*k : (r+1)*k]; !slices.Equal(got, want) {
					t.Fatalf("k = %d of %v: winners %v, want %v", k, z.Row(r), got, want)
				}
			}
		}
	}
}

// Maxout is LWTA without the losing units, so that the next layer shares its weights within a block.
func TestMaxoutPoolsLWTA(t *testing.T) {
	z := netInputs(50, 30)
	tape := autograd.NewTape(1)
	in := tape.Input(z.Value())
	lwta, maxout := LWTA(in, 5), Maxout(in, 5)
	for b, m := range maxout.Data() {
		var sum float32
		for _, v := range lwta.Data()[b*5 : b*5+5] {
			sum += v
		}
		if sum != m {
			t.Fatalf("block %d: maxout %v, sum of LWTA %v", b, m, sum)
		}
		ones := 0
		for _, won := range Submask(maxout).Data()[b*5 : b*5+5] {
			ones += int(won)
		}
		if ones != 1 {
			t.Fatalf("block %d has %d winners", b, ones)
		}
	}
	if !slices.Equal(Submask(lwta).Data(), Submask(maxout).Data()) {
		t.Error("LWTA and maxout have different winners")
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	z, tape := netInputs(20, 60), autograd.NewTape(1)
	step := func() {
		tape.Reset()
		in := tape.Leaf(z.Value())
		y := autograd.Add(LWTA(in, 4), KWTA(in, 7))
		tape.Backward(autograd.Sum(autograd.Add(autograd.Sum(y), autograd.Sum(Maxout(in, 3)))))
	}
	step()
	if n := testing.AllocsPerRun(10, step); n != 0 {
		t.Errorf("a repeated step allocates %v times", n)
	}
}

// first is an operation of another package in which the first unit of each row wins.
type first struct{ winners []int32 }

func (op *first) Backward(*autograd.Var) {}
func (op *first) Winners() []int32       { return op.winners }
func (op *first) Submask(y *autograd.Var, mask []float32) {
	for r := range y.Rows() {
		mask[r*y.Width()] = 1
	}
}

func TestOtherOperationsCompete(t *testing.T) {
	tape := autograd.NewTape(1)
	z := tape.Input(tensor.From([]float32{1, 3, -2, -1, 0, 2}, 2, 3))
	y, op := autograd.Record[first]("first", z)
	op.winners = append(op.winners[:0], 0, 0)
	y.Resize(2, 3)
	image := autograd.MaxPool2D(autograd.Reshape(z, 1, 1, 2, 3), autograd.Pool{H: 2, W: 2, StrideW: 1})
	for _, c := range []struct {
		y    *autograd.Var
		mask []float32
	}{
		{y, []float32{1, 0, 0, 1, 0, 0}},
		{autograd.RectifiedPower(z, 3), []float32{1, 1, 0, 0, 0, 1}},
		{image, []float32{0, 1, 0, 0, 0, 0}},
	} {
		if got := Submask(c.y).Data(); !slices.Equal(got, c.mask) {
			t.Errorf("submask of %s is %v, want %v", c.y.Op(), got, c.mask)
		}
	}
	if got := slices.Concat(Winners(y), Winners(image)); !slices.Equal(got, []int32{0, 0, 1, 1}) {
		t.Errorf("winners %v", got)
	}
}

func TestMistakesPanic(t *testing.T) {
	z := autograd.NewTape(1).Input(tensor.New(2, 10))
	for want, f := range map[string]func(){
		"competitive: LWTA: blocks of 3 do not divide the units of shape [2 10]":   func() { LWTA(z, 3) },
		"competitive: Maxout: blocks of 0 do not divide the units of shape [2 10]": func() { Maxout(z, 0) },
		"k must lie between 1 and the 10 units of shape [2 10], got 11":            func() { KWTA(z, 11) },
		"Submask: want the result of ReLU or of a competition, got that of Sigmoid": func() {
			Submask(autograd.Sigmoid(z))
		},
		"Submask: want the result of ReLU or of a competition, got that of input": func() { Submask(z) },
		"Winners: want the result of a competition or of MaxPool2D, got that of ReLU": func() {
			Winners(autograd.ReLU(z))
		},
	} {
		func() {
			defer func() {
				if msg := fmt.Sprint(recover()); !strings.Contains(msg, want) {
					t.Errorf("panic %q, want %q", msg, want)
				}
			}()
			f()
		}()
	}
}

func ExampleSubmask() {
	tape := autograd.NewTape(1)
	z := tape.Input(tensor.From([]float32{1, 3, -2, -1}, 1, 4))
	fmt.Println(Submask(autograd.ReLU(z)).Data(), Submask(LWTA(z, 2)).Data(), Winners(KWTA(z, 2)))
	// Output: [1 1 0 0] [0 1 0 1] [0 1]
}

func ExampleLWTA() {
	tape := autograd.NewTape(1)
	z := tape.Input(tensor.From([]float32{1, 3, -2, -1}, 1, 4))
	fmt.Println("ReLU  ", autograd.ReLU(z).Data())
	fmt.Println("LWTA  ", LWTA(z, 2).Data())
	fmt.Println("maxout", Maxout(z, 2).Data())
	// Output:
	// ReLU   [1 3 0 0]
	// LWTA   [0 3 0 -1]
	// maxout [3 -1]
}
