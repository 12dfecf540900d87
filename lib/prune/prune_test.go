// SPDX-License-Identifier: Apache-2.0

package prune_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	. "github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var (
	relu = nn.Func(autograd.ReLU)
	pool = nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) })
	flat = nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.Reshape(x, x.Rows(), x.Width()) })
)

// small is a network of every kind of layer, for images of 2 x 8 x 8.
func small(seed uint64) nn.Sequential {
	rng := tensor.Stream(seed, "weights")
	return nn.Sequential{
		nn.NewConv2D(2, 6, 3, 3, autograd.SamePadding(3, 3), nil, rng), relu, pool,
		nn.NewConv2D(6, 8, 3, 3, autograd.ConvShape{}, nil, rng), relu, flat,
		nn.NewDense(32, 20, nil, rng), relu, nn.NewDense(20, 5, nil, rng),
	}
}

// a layer of twelve weights: 1, -2, 3, -4, ... 12
func twelve() *Layer {
	w := tensor.New(3, 4)
	for i := range w.Data() {
		w.Data()[i] = float32(i+1) * float32(1-2*(i%2))
	}
	return Weights("fc1", autograd.NewParam(w), autograd.ConvShape{})
}

func left(l *Layer) (list []int) {
	for i, k := range l.Keep.Data() {
		if k != 0 {
			list = append(list, i)
		}
		if k == 0 && l.Weight != nil && l.Weight.Data()[i] != 0 {
			return nil // a removed weight that is not zero
		}
	}
	return list
}

func TestMagnitude(t *testing.T) {
	l := twelve()
	for _, step := range []struct {
		cut  Cut
		want []int
	}{
		{Cut{Keep: 1}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{Cut{Keep: 0.5}, []int{6, 7, 8, 9, 10, 11}},
		{Cut{Remove: 1.0 / 3}, []int{8, 9, 10, 11}},
		// The root mean square of 9, 10, 11 and 12 is 10.56: 11 and 12 are above.
		{Cut{Above: 1}, []int{10, 11}},
	} {
		if err := Prune([]*Layer{l}, Magnitude, nil, step.cut); err != nil || !slices.Equal(left(l), step.want) {
			t.Errorf("%+v leaves %v, want %v (%v)", step.cut, left(l), step.want, err)
		}
	}
	if l.Remaining() != 2 || l.Share() != 1.0/6 || ShareOf([]*Layer{l, twelve()}) != 14.0/24 {
		t.Errorf("%d remain, %g of the layer", l.Remaining(), l.Share())
	}
	again := Weights("again", l.Weight, autograd.ConvShape{})
	if !slices.Equal(left(again), left(l)) {
		t.Errorf("zeros in weights give the mask %v", left(again))
	}
}

// Use is counted by loops here: a weight is used where its input is positive and its unit is on; the share is of all
// samples and positions.
func TestUseIsCounted(t *testing.T) {
	net := small(1)
	layers, observe := Network(net)
	x := tensor.New(3, 2, 8, 8)
	tensor.Stream(2, "x").Normal(x.Data(), 0, 1)
	found := observe(autograd.NewTape(1).Input(x))
	for i, l := range layers {
		l.Observe(found[i], 0.99)
	}
	in, out, conv := found[1].In.Value(), found[1].Out.Value(), layers[1] // 3 x 3 without padding, 4 x 4 to 2 x 2
	for k := range 8 {
		for c := range 6 {
			for dy := range 3 {
				for dx := range 3 {
					n := 0
					for s := range 3 {
						for y := range 2 {
							for x := range 2 {
								if in.At(s, c, y+dy, x+dx) > 0 && out.At(s, k, y, x) > 0 {
									n++
								}
							}
						}
					}
					if got := float64(conv.Use.At(k, c, dy, dx)); math.Abs(got-float64(n)/12) > 1e-6 {
						t.Fatalf("filter %d, channel %d, tap %d %d: use %g, by loops %g", k, c, dy, dx, got, float64(n)/12)
					}
				}
			}
		}
	}
	in, out = found[2].In.Value(), found[2].Out.Value()
	logits := found[3]
	for u := range 20 {
		for i := range 32 {
			n := 0
			for s := range 3 {
				if in.At(s, i) > 0 && out.At(s, u) > 0 {
					n++
				}
			}
			if got := float64(layers[2].Use.At(u, i)); math.Abs(got-float64(n)/3) > 1e-6 {
				t.Fatalf("unit %d, input %d: use %g, by loops %g", u, i, got, float64(n)/3)
			}
		}
	}
	if logits.Out != nil {
		t.Error("logits are always on")
	}
}

// Relative use compares the weights of each unit with its most used one.
func TestRelativeUse(t *testing.T) {
	l := twelve()
	x := autograd.NewTape(1).Input(tensor.New(1, 4))
	l.Observe(Activity{In: x}, 0) // counts one batch, in which nothing is used
	copy(l.Use.Data(), []float32{0.8, 0.4, 0.2, 0.1, 0.01, 0.02, 0.018, 0.03, 0, 0, 0, 0})
	err := Prune([]*Layer{l}, RelativeUse, nil, Cut{Above: 0.55})
	if err != nil || !slices.Equal(left(l), []int{0, 5, 6, 7}) {
		t.Errorf("left: %v, %v", left(l), err)
	}
}

// The average starts as the mean of the batches, and then forgets.
func TestUseIsAveraged(t *testing.T) {
	l := Units("gate1", nn.NewGate(2))
	tape := autograd.NewTape(1)
	on := Activity{Out: tape.Input(tensor.From([]float32{1, -1, 2, 3}, 2, 2))} // shares 1 and 0.5
	off := Activity{Out: tape.Input(tensor.From([]float32{-1, 0, -2, 3}, 2, 2))}
	for i, want := range [][2]float64{{1, 0.5}, {0.5, 0.5}, {0.25, 0.5}, {0.125, 0.5}} {
		a := off
		if i == 0 {
			a = on
		}
		l.Observe(a, 0.5)
		for u := range 2 {
			if got := float64(l.Use.At(u)); math.Abs(got-want[u]) > 1e-6 {
				t.Errorf("batch %d, unit %d: %g, want %g", i, u, got, want[u])
			}
		}
	}
	if err := Prune([]*Layer{l}, Use, nil, Cut{Above: 0.3}); err != nil || !slices.Equal(left(l), []int{1}) {
		t.Errorf("left: %v, %v", left(l), err)
	}
	if l.Gate.Mask.At(0) != 0 {
		t.Error("the gate still passes the unit")
	}
}

// What must be refused is refused before anything changes, in any layer, and the error names the layer.
func TestPruneRefuses(t *testing.T) {
	nan := twelve()
	nan.Weight.Data()[5] = float32(math.NaN())
	unused := twelve()
	unused.Observe(Activity{In: autograd.NewTape(1).Input(tensor.New(2, 4))}, 0.9)
	broken := Units("gate1", nn.NewGate(2))
	broken.Observe(Activity{Out: autograd.NewTape(1).Input(tensor.From([]float32{1, float32(math.NaN())}, 1, 2))}, 0.9)
	few := twelve()
	if err := Prune([]*Layer{few}, Magnitude, nil, Cut{Keep: 0.25}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		layer *Layer
		score Score
		cut   Cut
		want  string
	}{
		"to nothing":   {twelve(), Magnitude, Cut{Keep: 0.01}, "fc1: the cut {Keep:0.01 Remove:0 Above:0} would"},
		"threshold":    {twelve(), Magnitude, Cut{Above: 100}, "would remove all 12 elements"},
		"more":         {few, Magnitude, Cut{Keep: 0.5}, "would keep 6 elements, but only 3 remain"},
		"over 100 %":   {twelve(), Magnitude, Cut{Keep: 1.2}, "Keep is 1.2: want a share above 0 and at most 1"},
		"remove all":   {twelve(), Magnitude, Cut{Remove: 1}, "Remove is 1: want a share above 0 and below 1"},
		"NaN cut":      {twelve(), Magnitude, Cut{Keep: math.NaN()}, "Keep is NaN"},
		"two cuts":     {twelve(), Magnitude, Cut{Keep: 0.5, Above: 1}, "exactly one"},
		"no cut":       {twelve(), Magnitude, Cut{}, "exactly one"},
		"NaN weight":   {nan, Magnitude, Cut{Keep: 0.5}, `fc1: the score "magnitude" of element 0 is NaN`},
		"NaN activity": {broken, Use, Cut{Keep: 0.5}, `gate1: the score "use" of element 1 is NaN`},
		"dead":         {unused, Use, Cut{Keep: 0.5}, "fc1 is dead"},
		"not observed": {twelve(), Use, Cut{Keep: 0.5}, "fc1: its use was never observed"},
		"units":        {Units("gate1", nn.NewGate(4)), Magnitude, Cut{Keep: 0.5}, "gate1: units have no magnitude"},
		"score":        {twelve(), "age", Cut{Keep: 0.5}, `no score "age"`},
	} {
		first, before := twelve(), slices.Clone(c.layer.Keep.Data())
		good := Cut{Keep: 1}
		err := Prune([]*Layer{first, c.layer}, c.score, tensor.Stream(1, "r"), good, c.cut)
		if c.score == Use { // the first layer has no use
			err = Prune([]*Layer{c.layer}, c.score, nil, c.cut)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v", name, err)
		}
		if first.Remaining() != 12 || !slices.Equal(c.layer.Keep.Data(), before) {
			t.Errorf("%s: masks changed", name)
		}
	}
	for name, mask := range map[string]*tensor.Tensor{
		"a mask of shape [4 3] for elements of shape [3 4]": tensor.New(4, 3),
		"the mask removes all 12 elements":                  tensor.New(3, 4),
		"element 0 of the mask is 0.5: want 0 or 1":         tensor.From(slices.Repeat([]float32{0.5}, 12), 3, 4),
	} {
		l := twelve()
		if err := l.SetKeep(mask); err == nil || !strings.Contains(err.Error(), name) || l.Remaining() != 12 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Random scores remove as many, others for each seed.
func TestRandom(t *testing.T) {
	var last []int
	for seed := range uint64(3) {
		l := twelve()
		if err := Prune([]*Layer{l}, Random, tensor.Stream(seed, "r"), Cut{Keep: 0.5}); err != nil || l.Remaining() != 6 {
			t.Fatal(l.Remaining(), err)
		}
		if slices.Equal(left(l), last) {
			t.Errorf("seed %d removes the same as the seed before", seed)
		}
		last = left(l)
	}
}

func TestSchedules(t *testing.T) {
	s := Neocortex(5, 4, 3, 2)
	// 1 - .73·.85·.961·.994 = 40.7 % are removed, in the epochs of table 8; twice, 64.9 %.
	for layer, last := range []int{20, 16, 12, 8} {
		if got := 1 - s.Remaining(last, layer); math.Abs(got-0.4073) > 1e-4 {
			t.Errorf("layer %d: %.4f removed", layer, got)
		}
		if _, due := s.At(last, layer); !due {
			t.Errorf("layer %d is not pruned at epoch %d", layer, last)
		}
	}
	if twice := 1 - math.Pow(s.Remaining(20, 0), 2); math.Abs(twice-0.649) > 5e-4 || s.Last() != 20 {
		t.Errorf("twice: %.4f; last %d", twice, s.Last())
	}
	g := Gradual(2, 5, 0.2)
	for epoch, want := range map[int]float64{1: 1, 2: 0.2 + 0.8*27/64, 3: 0.3, 4: 0.2125, 5: 0.2, 9: 0.2} {
		if got := g.Remaining(epoch, 3); math.Abs(got-want) > 1e-12 {
			t.Errorf("epoch %d: %v remain, want %v", epoch, got, want)
		}
	}
	if err := g.Check(4, 6); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		s    Schedule
		want string
	}{
		"over 100 %":  {Once(0, 0.5, 1.5), "Keep is 1.5"},
		"nothing":     {Once(0, 0), "exactly one of Keep, Remove and Above"},
		"adds":        {append(Once(0, 0.3), Once(2, 0.4)...), "keeps 40 %, more than the 30 % that remain"},
		"no layer":    {Once(0, 0.1, 0.1, 0.1), "layer 2 at epoch 0: there are 2 layers"},
		"after":       {Once(6, 0.5), "the run has the epochs 0 to 5"},
		"before":      {Once(-1, 0.5), "all layers at epoch -1"},
		"twice":       {append(Once(1, 0.5), Once(1, 0.4)...), "layer 0 is pruned twice at once"},
		"all of rest": {Schedule{{Epoch: 1, Layer: All, Cut: Cut{Remove: 1}}}, "Remove is 1"},
	} {
		if err := c.s.Check(2, 6); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
