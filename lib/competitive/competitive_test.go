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
		"LWTA 2":     func(z *autograd.Var) *autograd.Var { return LWTA(z, 2) },
		"LWTA 1":     func(z *autograd.Var) *autograd.Var { return LWTA(z, 1) },
		"LWTA 12":    func(z *autograd.Var) *autograd.Var { return LWTA(z, 12) },
		"Maxout 3":   func(z *autograd.Var) *autograd.Var { return Maxout(z, 3) },
		"KWTA 1":     func(z *autograd.Var) *autograd.Var { return KWTA(z, 1) },
		"KWTA 5":     func(z *autograd.Var) *autograd.Var { return KWTA(z, 5) },
		"KWTA 12":    func(z *autograd.Var) *autograd.Var { return KWTA(z, 12) },
		"Lifetime 1": func(z *autograd.Var) *autograd.Var { return Lifetime(z, 0.12) },
		"Lifetime 4": func(z *autograd.Var) *autograd.Var { return Lifetime(z, 0.5) },
		"Lifetime 9": func(z *autograd.Var) *autograd.Var { return Lifetime(z, 1) },
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
		"Spatial": Spatial,
		"Spatial twice": func(z *autograd.Var) *autograd.Var {
			return autograd.Mul(Spatial(z), autograd.Exp(Spatial(autograd.Scale(z, -1))))
		},
		"Spatial and Lifetime": func(z *autograd.Var) *autograd.Var { return Lifetime(Spatial(z), 0.5) },
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
		{"Lifetime", Lifetime(z, 0.5), []float32{1, 3, 2, 0, 0, -4, 0, 0, 0, 5, 7, 0},
			[]float32{1, 1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0}, []int32{0, 0, 0, 1, 1, 0}, 2, 6},
		{"Spatial", Spatial(autograd.Reshape(z, 2, 2, 1, 3)), []float32{3, 2, 0, 7},
			[]float32{0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0}, []int32{1, 0, 0, 1}, 2, 2},
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

// Lifetime on a batch is KWTA on its transpose: exactly k winners for each unit, ties to the first sample, whatever the
// number of workers. Zeros win where too few net inputs are positive, NaN only where there are too few numbers.
func TestLifetimeIsKWTAOfUnits(t *testing.T) {
	rng := tensor.Stream(3, "batches")
	for n := 1; n <= 40; n += 3 {
		z, turned := tensor.New(n, 70), tensor.New(70, n)
		for i := range n {
			for u := range 70 {
				v := float32(max(rng.IntN(9)-4, 0))
				if rng.IntN(20) == 0 {
					v = float32(math.NaN())
				}
				z.Set(v, i, u)
				turned.Set(v, u, i)
			}
		}
		for k := 1; k <= n; k++ {
			y := Lifetime(autograd.NewTape(3).Input(z), (float64(k)+0.5*float64(min(1, n-k)))/float64(n))
			want := KWTA(autograd.NewTape(1).Input(turned), k)
			if !slices.Equal(Winners(y), Winners(want)) {
				t.Fatalf("%d of %d: winners %v, want %v", k, n, Winners(y), Winners(want))
			}
			mask := Submask(y)
			for u := range 70 {
				won := 0
				for i := range n {
					got, want := y.Value().At(i, u), want.Value().At(u, i)
					if got != want && (got == got || want == want) {
						t.Fatalf("%d of %d: unit %d of sample %d is %g, want %g", k, n, u, i, got, want)
					}
					won += int(mask.At(i, u))
				}
				if won != k {
					t.Fatalf("%d of %d: unit %d has %d winners", k, n, u, won)
				}
			}
		}
	}
}

// Shares of a batch are exact where floating point is not.
func TestWinning(t *testing.T) {
	for _, c := range []struct {
		share float64
		n, k  int
	}{{0.05, 100, 5}, {0.29, 100, 29}, {0.57, 100, 57}, {0.05, 19, 0}, {0.05, 20, 1}, {0.3, 33, 9}, {1, 7, 7}} {
		if got := Winning(c.share, c.n); got != c.k {
			t.Errorf("%g of %d are %d, want %d", c.share, c.n, got, c.k)
		}
	}
}

// Spatial is global max-pooling, and Peaks, MaxUnpool and the two competitions make the maps of the document.
func TestSpatial(t *testing.T) {
	z := tensor.New(10, 4, 5, 6)
	tensor.Stream(1, "maps").Normal(z.Data(), 0, 1)
	z.Set(float32(math.NaN()), 2, 1, 0, 0)
	copy(z.Row(3)[:30], slices.Repeat([]float32{2}, 30)) // a tie
	tape := autograd.NewTape(2)
	y := Spatial(tape.Input(z))
	lifetime := Lifetime(y, 0.2)
	at := Peaks(nil, y, lifetime)
	maps := autograd.MaxUnpool(autograd.Reshape(lifetime, 10, 4, 1, 1), at, 5, 6)
	for c := range 4 {
		active := 0
		for i := range 10 {
			plane, out := z.Row(i)[c*30:(c+1)*30], maps.Value().Row(i)[c*30:(c+1)*30]
			winner := 0
			for p, v := range plane {
				if v > plane[winner] || plane[winner] != plane[winner] {
					winner = p
				}
			}
			if y.Value().At(i, c) != plane[winner] || int(Winners(y)[i*4+c]) != winner {
				t.Fatalf("map %d of image %d: %g at %d, want %g at %d", c, i, y.Value().At(i, c), Winners(y)[i*4+c],
					plane[winner], winner)
			}
			for p, v := range out {
				if v != 0 {
					active++
					if p != winner || v != plane[p] || int(at[i*4+c]) != p {
						t.Fatalf("map %d of image %d: %g at %d", c, i, v, p)
					}
				}
			}
		}
		if active != 2 {
			t.Errorf("map %d has %d winners in 10 images, want 2", c, active)
		}
	}
	if all := Peaks([]int32{7}, y, nil); all[0] != 7 || !slices.Equal(all[1:], Winners(y)) {
		t.Errorf("Peaks without lifetime: %v", all)
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
	var at []int32
	step := func() {
		tape.Reset()
		in := tape.Leaf(z.Value())
		y := autograd.Add(autograd.Add(LWTA(in, 4), KWTA(in, 7)), Lifetime(in, 0.2))
		peaks := Spatial(autograd.Reshape(in, 20, 6, 5, 2))
		at = Peaks(at[:0], peaks, Lifetime(peaks, 0.3))
		y = autograd.Add(autograd.Add(y, autograd.Mean(peaks)), autograd.Sum(Lifetime(peaks, 0.3)))
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
		"competitive: Lifetime: a share of 0.4 leaves 0 winners in z [2 10]":       func() { Lifetime(z, 0.4) },
		"competitive: Lifetime: a share of NaN leaves":                             func() { Lifetime(z, math.NaN()) },
		"competitive: Lifetime: a share of 1.5 leaves 3 winners":                   func() { Lifetime(z, 1.5) },
		"competitive: Spatial: want z [N, C, H, W], got [2 10]":                    func() { Spatial(z) },
		"competitive: Peaks: want the result of Spatial, got that of input":        func() { Peaks(nil, z, nil) },
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

// Two units compete with themselves over four samples: each keeps its largest net input.
func ExampleLifetime() {
	tape := autograd.NewTape(1)
	z := tape.Input(tensor.From([]float32{
		1, 8,
		4, 7,
		2, 6,
		3, 9}, 4, 2))
	fmt.Println(Lifetime(z, 0.25).Data(), Winners(Lifetime(z, 0.25)))
	// Output: [0 0 4 0 0 0 0 9] [1 3]
}

// The winner of a map, and the map with all but the winner silenced.
func ExampleSpatial() {
	tape := autograd.NewTape(1)
	z := tape.Input(tensor.From([]float32{
		1, 5,
		2, 3}, 1, 1, 2, 2))
	y := Spatial(z)
	fmt.Println(y.Data(), Winners(y))
	fmt.Println(autograd.MaxUnpool(autograd.Reshape(y, 1, 1, 1, 1), Peaks(nil, y, nil), 2, 2).Data())
	// Output:
	// [5] [1]
	// [0 5 0 0]
}

// TestPairs compares blocks of two units with blocks of three whose last unit never wins.
func TestPairs(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	values := []float32{0, float32(math.Copysign(0, -1)), 1, -1, math.MaxFloat32, -math.MaxFloat32, inf, -inf, nan}
	tape := autograd.NewTape(1)
	for _, a := range values {
		for _, b := range values {
			tape.Reset()
			two := LWTA(tape.Input(tensor.From([]float32{a, b}, 1, 2)), 2)
			three := LWTA(tape.Input(tensor.From([]float32{a, b, -inf}, 1, 3)), 3)
			if got, want := Winners(two)[0], Winners(three)[0]; got != want {
				t.Errorf("the winner of %v and %v is %d, want %d", a, b, got, want)
			}
		}
	}
}
