// SPDX-License-Identifier: Apache-2.0

package siamese

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// The document's batch of 32 images of 4 classes, eight of each, has 496 pairs, 112 of them of the same class.
func TestAllPairs(t *testing.T) {
	labels := make([]int, 32)
	for i := range labels {
		labels[i] = i % 4
	}
	var p Pairs
	p.All(labels)
	if p.Len() != 496 || p.Positives() != 112 {
		t.Errorf("%d pairs, %d of the same class", p.Len(), p.Positives())
	}
	seen := map[[2]int]bool{}
	for i, a := range p.First {
		b := p.Second[i]
		if a >= b || seen[[2]int{a, b}] || p.Same[i] != (labels[a] == labels[b]) {
			t.Fatalf("pair %d is (%d, %d), %v", i, a, b, p.Same[i])
		}
		seen[[2]int{a, b}] = true
	}
	if got := p.Labels(nil); len(got) != 496 || got[3] != 1 || got[0] != 0 {
		t.Errorf("labels %v", got)
	}
	for _, n := range []int{0, 1} {
		if p.All(labels[:n]); p.Len() != 0 {
			t.Errorf("%d pairs of %d images", p.Len(), n)
		}
	}
}

// The hardest pairs are the nearest of different classes; ties go to the earlier pair.
func TestHardest(t *testing.T) {
	var all, hard Pairs
	all.All([]int{0, 0, 1, 2}) // pairs 01 02 03 12 13 23; only 01 is of one class
	d := []float32{9, 5, 1, 5, 3, 4}
	hard.Hardest(&all, d, 4)
	var got []string
	for i := range hard.First {
		got = append(got, fmt.Sprint(hard.First[i], hard.Second[i], hard.Same[i]))
	}
	want := []string{"0 1 true", "0 2 false", "0 3 false", "1 3 false", "2 3 false"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if hard.Hardest(&all, d, 99); hard.Len() != 6 {
		t.Errorf("%d of 6 pairs", hard.Len())
	}
	if hard.Hardest(&all, d, 0); hard.Len() != 1 || hard.Positives() != 1 {
		t.Errorf("%d pairs with no other class", hard.Len())
	}
	counts := map[int]int{}
	rng := tensor.Stream(1, "random")
	for range 300 {
		if hard.Random(&all, 2, rng); hard.Len() != 3 || !hard.Same[0] {
			t.Fatalf("%+v", hard)
		}
		counts[hard.First[1]*4+hard.Second[1]]++
		counts[hard.First[2]*4+hard.Second[2]]++
	}
	for pair, n := range counts {
		if n < 70 || n > 170 {
			t.Errorf("pair %d was drawn %d times of 120", pair, n)
		}
	}
}

// Two unit vectors at a right angle are at the squared distance 2, opposite ones at 4.
func TestUnitDistances(t *testing.T) {
	tape := autograd.NewTape(1)
	f := tape.Leaf(tensor.From([]float32{3, 0, 0, 7, -2, 0, 0, 0, 1e-30, 1e-30}, 5, 2))
	u := Unit(f)
	p := &Pairs{First: []int{0, 0, 0, 1, 4}, Second: []int{1, 2, 3, 1, 0}, Same: make([]bool, 5)}
	d := Distances(u, p)
	for i, want := range []float32{2, 4, 1, 0, 2 - math.Sqrt2} {
		if got := d.Data()[i]; math.Abs(float64(got-want)) > 1e-6 {
			t.Errorf("distance %d is %g, want %g", i, got, want)
		}
	}
	tape.Backward(autograd.Sum(d))
	for i, g := range f.Grad().Data() {
		if math.IsNaN(float64(g)) || math.IsInf(float64(g), 0) {
			t.Errorf("gradient %d is %g", i, g)
		}
	}
	if g := f.Grad().Row(3); g[0] != 0 || g[1] != 0 {
		t.Errorf("a row of zeros has the gradient %v", g)
	}
}

// pairsOf are all pairs of six images of three classes.
func pairsOf() *Pairs {
	p := &Pairs{}
	p.All([]int{0, 0, 1, 1, 2, 2})
	return p
}

// The gradients of every operation agree with differences, with pairs on both sides of the margin.
func TestGradients(t *testing.T) {
	p := pairsOf()
	for name, f := range map[string]func(x *autograd.Var) *autograd.Var{
		"Differences": func(x *autograd.Var) *autograd.Var { return Differences(x, p) },
		"Distances":   func(x *autograd.Var) *autograd.Var { return Distances(x, p) },
		"Unit":        func(x *autograd.Var) *autograd.Var { return Unit(x) },
		"Contrastive": func(x *autograd.Var) *autograd.Var { return loss.Contrastive(Distances(Unit(x), p), p.Same, 1) },
		"Euclidean":   func(x *autograd.Var) *autograd.Var { return loss.Contrastive(Distances(x, p), p.Same, 2) },
	} {
		w := autograd.NewParam(tensor.New(6, 5))
		tensor.Stream(3, name).Normal(w.Data(), 0, 1)
		err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
			return f(autograd.Add(w, t.Input(tensor.New(6, 5))))
		}, w)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Identical images have distance 0 and gradient 0, for pairs of either kind; at the margin the gradient is 0.
func TestTies(t *testing.T) {
	for name, c := range map[string]struct {
		rows []float32
		same bool
		loss float32
	}{
		"identical, same":      {[]float32{1, 2, 1, 2}, true, 0},
		"identical, different": {[]float32{1, 2, 1, 2}, false, 4},
		"at the margin":        {[]float32{0, 0, 2, 0}, false, 0},
		"zeros, same":          {[]float32{0, 0, 0, 0}, true, 0},
	} {
		tape := autograd.NewTape(1)
		x := tape.Leaf(tensor.From(c.rows, 2, 2))
		p := &Pairs{First: []int{0}, Second: []int{1}, Same: []bool{c.same}}
		cost := loss.Contrastive(Distances(x, p), p.Same, 2)
		tape.Backward(autograd.Add(cost, autograd.Sum(autograd.Scale(Differences(x, p), 0))))
		if cost.Scalar() != c.loss {
			t.Errorf("%s: loss %g, want %g", name, cost.Scalar(), c.loss)
		}
		for _, g := range x.Grad().Data() {
			if g != 0 {
				t.Errorf("%s: gradient %v", name, x.Grad().Data())
				break
			}
		}
	}
}

// By hand: distances 0.5 (same), 0.5 and 3 (different), margin 1: (0.5 + 0.5 + 0) / 3.
func TestContrastive(t *testing.T) {
	tape := autograd.NewTape(1)
	d := tape.Leaf(tensor.From([]float32{0.5, 0.5, 3}, 3))
	cost := loss.Contrastive(d, []bool{true, false, false}, 1)
	tape.Backward(cost)
	if math.Abs(float64(cost.Scalar())-1./3) > 1e-6 {
		t.Errorf("loss %g", cost.Scalar())
	}
	third := float32(1) / 3
	if !slices.Equal(d.Grad().Data(), []float32{third, -third, 0}) {
		t.Errorf("gradient %v", d.Grad().Data())
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	tape := autograd.NewTape(1)
	x := tensor.New(6, 5)
	tensor.Stream(3, "x").Normal(x.Data(), 0, 1)
	var p, few Pairs
	labels, rng := []int{0, 0, 1, 1, 2, 2}, tensor.Stream(1, "rng")
	step := func() {
		tape.Reset()
		f := tape.Leaf(x)
		p.All(labels)
		few.Random(&p, 4, rng)
		u := Unit(f)
		cost := loss.Contrastive(Distances(u, &few), few.Same, 1)
		tape.Backward(autograd.Add(cost, autograd.Mean(Differences(f, &few))))
	}
	step()
	if n := testing.AllocsPerRun(20, step); n > 0 {
		t.Errorf("a step allocates %g times", n)
	}
}

// points is a set of images of one pixel, with the given labels.
func points(labels ...int) *dataset.Set {
	s := &dataset.Set{X: tensor.New(len(labels), 1, 1, 1), Y: labels}
	for i := range labels {
		s.X.Data()[i] = float32(i)
	}
	for range slices.Max(labels) + 1 {
		s.Classes = append(s.Classes, fmt.Sprintf("class %d", len(s.Classes)))
	}
	return s
}

func TestBatches(t *testing.T) {
	var labels []int
	for i := range 120 {
		labels = append(labels, i%10)
	}
	b, err := NewBatches(points(labels...), 4, 16, 7)
	if err != nil {
		t.Fatal(err)
	}
	if b.Len() != 112 || b.BatchSize() != 16 {
		t.Errorf("%d images in batches of %d", b.Len(), b.BatchSize())
	}
	var first, batch dataset.Batch
	drawn := map[float32]int{}
	for epoch := range 40 {
		idx := dataset.Order(b.Len(), 1, epoch)[:16]
		b.Gather(&batch, idx)
		classes, images := map[int]bool{}, map[float32]bool{}
		for i, y := range batch.Y {
			v := batch.X.Data()[i]
			classes[y], images[v] = true, true
			drawn[v]++
			if labels[int(v)] != y {
				t.Fatalf("image %g has the label %d", v, y)
			}
		}
		if len(images) != 16 || len(classes) > 4 || len(classes) < 2 {
			t.Errorf("%d images of %d classes", len(images), len(classes))
		}
		if b.Gather(&first, idx); !slices.Equal(first.X.Data(), batch.X.Data()) {
			t.Error("the same indices draw another batch")
		}
	}
	if len(drawn) < 110 {
		t.Errorf("640 draws reach %d of 120 images", len(drawn))
	}
}

// A batch of two is one pair; half of the pairs are of the same class, and all classes occur.
func TestSinglePairs(t *testing.T) {
	labels := make([]int, 60)
	for i := range labels {
		labels[i] = i % 6
	}
	b, err := NewBatches(points(labels...), 2, 2, 7)
	if err != nil {
		t.Fatal(err)
	}
	var batch dataset.Batch
	same, classes := 0, map[int]bool{}
	for i := range 400 {
		b.Gather(&batch, []int{i, i + 1})
		if len(batch.Y) != 2 || batch.X.Data()[0] == batch.X.Data()[1] {
			t.Fatalf("images %v", batch.X.Data())
		}
		if batch.Y[0] == batch.Y[1] {
			same++
		}
		classes[batch.Y[1]] = true
	}
	if same < 160 || same > 240 || len(classes) != 6 {
		t.Errorf("%d of 400 pairs are of the same class, second images of %d classes", same, len(classes))
	}
}

func TestBatchErrors(t *testing.T) {
	for want, f := range map[string]func() (*Batches, error){
		"class 1 (class 1) has 1 images: a pair needs 2": func() (*Batches, error) {
			return NewBatches(points(0, 0, 1), 2, 3, 1)
		},
		"class 1 (class 1) has 0 images": func() (*Batches, error) {
			return NewBatches(points(0, 0, 2, 2), 2, 3, 1)
		},
		"batches of 4 images from 1 classes have no pairs of": func() (*Batches, error) {
			return NewBatches(points(0, 0, 1, 1), 1, 4, 1)
		},
		"batches of 1 images from 2 classes have no pairs of": func() (*Batches, error) {
			return NewBatches(points(0, 0, 1, 1), 2, 1, 1)
		},
		"batches of 3 classes from a set with 2": func() (*Batches, error) {
			return NewBatches(points(0, 0, 1, 1), 3, 4, 1)
		},
		"batches of 5 images from 2 classes, of which the sma": func() (*Batches, error) {
			return NewBatches(points(0, 0, 1, 1), 2, 5, 1)
		},
		"image 0 has the label -1 of 1 classes": func() (*Batches, error) {
			s := points(0, 0)
			s.Y = []int{-1, 0}
			return NewBatches(s, 2, 3, 1)
		},
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestPanics(t *testing.T) {
	tape := autograd.NewTape(1)
	f := tape.Input(tensor.New(2, 3))
	outside := &Pairs{First: []int{0}, Second: []int{2}, Same: []bool{true}}
	for want, do := range map[string]func(){
		"siamese: Distances: pair (0, 2) of features [2 3]": func() { Distances(f, outside) },
		"siamese: Differences: features of shape [2 3 1]":   func() { Differences(tape.Input(tensor.New(2, 3, 1)), outside) },
		"siamese: Hardest: 0 distances of 1 pairs":          func() { new(Pairs).Hardest(outside, nil, 1) },
		"siamese: Random: -1 pairs to keep":                 func() { new(Pairs).Random(outside, -1, nil) },
		"loss: Contrastive: distances [3] of 1 pairs": func() {
			loss.Contrastive(tape.Input(tensor.New(3)), []bool{true}, 1)
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			do()
		}()
	}
}

// Points of two classes, moved by the contrastive loss until each class is together and the classes are apart.
func Example() {
	points := autograd.NewParam(tensor.From([]float32{1, 0.2, 0.9, -0.1, 0.8, 0.3, 0.7, -0.3}, 4, 2))
	var pairs Pairs
	pairs.All([]int{0, 1, 0, 1})
	tape := autograd.NewTape(1)
	for step := range 41 {
		tape.Reset()
		points.ZeroGrad()
		f := Unit(autograd.Add(points, tape.Input(tensor.New(4, 2))))
		d := Distances(f, &pairs)
		cost := loss.Contrastive(d, pairs.Same, 1)
		tape.Backward(cost)
		if step%20 == 0 {
			fmt.Printf("loss %.3f, squared distances %.2f\n", cost.Scalar(), d.Data())
		}
		for i, g := range points.Grad().Data() {
			points.Data()[i] -= 0.05 * g
		}
	}
	// Output:
	// loss 0.482, squared distances [0.09 0.03 0.35 0.22 0.09 0.56]
	// loss 0.001, squared distances [1.02 0.00 1.11 1.12 0.00 1.22]
	// loss 0.000, squared distances [1.06 0.00 1.10 1.11 0.00 1.15]
}
