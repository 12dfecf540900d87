// SPDX-License-Identifier: Apache-2.0

package drmm_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	. "github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// small is a shape with every kind of layer, for images of 2 x 11 x 10. Its pooled planes have a spare row and column.
var small = Shape{{4, 3, Same, true}, {5, 2, Full, false}, {3, 3, Full, true}, {4, 2, Valid, false}}

func smallNet(t testing.TB, normalised bool) *Net {
	t.Helper()
	net, err := NewNet(small, Size{2, 11, 10}, 3, tensor.Stream(7, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	if !normalised {
		for _, l := range net.Layers {
			l.Norm = nil
		}
	}
	return net
}

func images(n int, shape ...int) *tensor.Tensor {
	x := tensor.New(append([]int{n}, shape...)...)
	tensor.Stream(3, "images").Normal(x.Data(), 0.2, 1)
	return x
}

// For each element, the best of "off" and "on at one of the 2 x 2 positions", each scored by loops, equals ReLU and
// max-pooling bit for bit, and the switches say which one it was.
func TestMaximaAreReLUAndMaxPool(t *testing.T) {
	net := smallNet(t, true)
	tape := autograd.NewTape(2)
	var found Inference
	net.Infer(&found, tape.Input(images(3, 2, 11, 10)))
	for l, s := range small {
		u, z, g := found.Inputs[l], found.Features[l], found.Switches[l]
		side := 1
		if s.Pool {
			side = 2
		}
		h, w := u.Shape()[2]/side, u.Shape()[3]/side
		for i := range z.Value().Len() {
			plane, row, col := i/(h*w), i/w%h, i%w
			best, at := float32(0), int32(-1) // a = 0
			for r := range side {
				for c := range side {
					place := (row*side+r)*g.W + col*side + c
					if score := u.Data()[plane*g.H*g.W+place]; score > best { // a = 1 at t = (r, c)
						best, at = score, int32(place)
					}
				}
			}
			if z.Data()[i] != best || g.At[i] != at {
				t.Fatalf("layer %d, element %d: %v with switch %d, want %v with %d",
					l+1, i, z.Data()[i], g.At[i], best, at)
			}
		}
	}
}

// The last images of a batch, rendered alone, are the same as within the batch.
func TestRenderTheLastImages(t *testing.T) {
	net := smallNet(t, true)
	tape := autograd.NewTape(1)
	var found Inference
	net.Infer(&found, tape.Input(images(5, 2, 11, 10)))
	var all, last Rendering
	net.Render(&all, OneHotArgmax(found.Logits), found.Switches)
	var switches []Switches
	for _, g := range found.Switches {
		switches = append(switches, g.From(3, 5))
	}
	net.Render(&last, OneHotArgmax(autograd.Slice(found.Logits, 0, 3, 5)), switches)
	for i := range last.Templates {
		want := autograd.Slice(all.Templates[i], 0, 3, 5)
		if got := last.Templates[i]; got.Rows() != 2 || !slices.Equal(got.Data(), want.Data()) {
			t.Errorf("level %d of %d images differs from that of all", i, got.Rows())
		}
	}
}

// Equations 19 to 22, literally: matrices Gamma M_a, Z_x and T_t and a sum over x.
func TestRenderLayerAgainstMatrices(t *testing.T) {
	const k, positions = 3, 2
	filters := tensor.New(2, 3, k, k) // 2 channels above, 3 below
	tensor.Stream(1, "filters").Normal(filters.Data(), 0, 1)
	z := tensor.New(1, 2, 4, 5)
	tensor.Stream(2, "z").Normal(z.Data(), 0, 1)
	rng := tensor.Stream(3, "switches")
	for _, padding := range []Padding{Valid, Same, Full} {
		g := Switches{At: make([]int32, z.Len()), H: 8, W: 10}
		// The image that these planes are the convolution of.
		grow := map[Padding]int{Valid: k - 1, Same: 0, Full: 1 - k}[padding]
		h, w := g.H+grow, g.W+grow
		want := make([]float64, 3*h*w)
		for x := range g.At {
			on, down, right := rng.IntN(3) > 0, rng.IntN(positions), rng.IntN(positions)
			channel, row, col := x/20, x/5%4, x%5
			g.At[x] = -1
			if !on { // (Gamma M_a)_x is 0
				continue
			}
			g.At[x] = int32((2*row+down)*g.W + 2*col + right)
			// Z_x puts the template at the upper left place of x, T_t moves it down and right.
			top, left := 2*row+down, 2*col+right
			if padding == Same {
				top, left = top-k/2, left-k/2
			} else if padding == Full {
				top, left = top-(k-1), left-(k-1)
			}
			for c := range 3 {
				for i := range k {
					for j := range k {
						if r, q := top+i, left+j; r >= 0 && r < h && q >= 0 && q < w {
							want[(c*h+r)*w+q] += float64(filters.At(channel, c, i, j)) * float64(z.Data()[x])
						}
					}
				}
			}
		}
		tape := autograd.NewTape(1)
		got := RenderLayer(tape.Input(z), g, autograd.NewParam(filters), padding)
		if want := []int{1, 3, h, w}; !slices.Equal(got.Shape(), want) {
			t.Fatalf("%v: shape %v, want %v", padding, got.Shape(), want)
		}
		for i, v := range want {
			if !(math.Abs(float64(got.Data()[i])-v) <= 1e-5) {
				t.Fatalf("%v: element %d is %v, want %v", padding, i, got.Data()[i], v)
			}
		}
	}
}

// Without normalisation the network is linear for fixed switches. The logits are the inner products of the image and
// the images rendered for each class, <Lambda_g mu_c, I>, up to the mean over the positions on top.
func TestLogitsAreInnerProductsWithTemplates(t *testing.T) {
	net := smallNet(t, false)
	tape := autograd.NewTape(1)
	x := images(2, 2, 11, 10)
	var found Inference
	net.Infer(&found, tape.Input(x))
	top := net.Sizes()[len(small)]
	for c := range 3 {
		class := tensor.New(2, 3)
		for n := range 2 {
			class.Set(1, n, c)
		}
		var r Rendering
		net.Render(&r, tape.Input(class), found.Switches)
		for n := range 2 {
			var product float64
			for i, v := range r.Image().Value().Row(n) {
				product += float64(v) * float64(x.Row(n)[i])
			}
			product /= float64(top.H * top.W)
			if got := found.Logits.Value().At(n, c); !(math.Abs(float64(got)-product) <= 1e-4*(1+math.Abs(product))) {
				t.Errorf("sample %d, class %d: logit %v, inner product %v", n, c, got, product)
			}
		}
	}
}

// Every z of the rendering comes from the one above by RenderLayer, and z^(L) is the class template.
func TestTemplatesOfARendering(t *testing.T) {
	net := smallNet(t, true)
	tape := autograd.NewTape(1)
	var found Inference
	net.Infer(&found, tape.Input(images(3, 2, 11, 10)))
	classes := OneHotArgmax(found.Logits)
	var r Rendering
	net.Render(&r, classes, found.Switches)
	for l, level := range net.Sizes() {
		if want := []int{3, level.Channels, level.H, level.W}; !slices.Equal(r.Templates[l].Shape(), want) {
			t.Errorf("z^(%d) has shape %v, want %v", l, r.Templates[l].Shape(), want)
		}
	}
	if !slices.Equal(r.Image().Shape(), []int{3, 2, 11, 10}) {
		t.Errorf("the image has shape %v", r.Image().Shape())
	}
	top := r.Templates[len(small)]
	for i, v := range top.Data() {
		n, channel := i/(top.Width()), i%top.Width()/(top.Shape()[2]*top.Shape()[3])
		c := slices.Index(classes.Value().Row(n), 1)
		if want := net.Out.Weight.Value().At(c, channel); v != want {
			t.Fatalf("z^(L) element %d is %v, want %v", i, v, want)
		}
	}
}

// Rendering an image of a one-layer model and inferring from it gives back class, switches and image if the templates
// do not overlap and are orthonormal: inference is then exact.
func TestInferenceRecoversWhatWasRendered(t *testing.T) {
	net, g, classes := orthonormal(t)
	tape := autograd.NewTape(1)
	var made Rendering
	net.Render(&made, tape.Input(classes), []Switches{g})
	var found Inference
	net.Infer(&found, made.Image())
	if !slices.Equal(found.Switches[0].At, g.At) {
		t.Fatalf("switches %v, rendered with %v", found.Switches[0].At, g.At)
	}
	chosen := OneHotArgmax(found.Logits)
	if !slices.Equal(chosen.Data(), classes.Data()) {
		t.Fatalf("classes %v, rendered with %v", chosen.Data(), classes.Data())
	}
	var again Rendering
	net.Render(&again, chosen, found.Switches)
	if !slices.Equal(again.Image().Data(), made.Image().Data()) {
		t.Error("the reconstruction is not the image that was rendered")
	}
	for i, v := range found.Features[0].Data() { // the features are z where they are on
		want := made.Templates[1].Data()[i]
		if g.At[i] < 0 {
			want = 0
		}
		if !(math.Abs(float64(v-want)) <= 1e-6) {
			t.Errorf("feature %d is %v, want %v", i, v, want)
		}
	}
}

// orthonormal returns a layer of two templates with a single bright pixel each, in different channels, at any of its 2
// x 2 positions, and switches and classes for two images. Channel 0 belongs to class 0, channel 1 to class 1.
func orthonormal(t *testing.T) (*Net, Switches, *tensor.Tensor) {
	net, err := NewNet(Shape{{2, 1, Valid, true}}, Size{2, 4, 4}, 2, tensor.Stream(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	l := net.Layers[0]
	l.Norm = nil
	copy(l.Filters.Data(), []float32{1, 0, 0, 1})
	copy(net.Out.Weight.Data(), []float32{2, 0.5, 0.5, 2})
	// Position t of each of the 2 x 2 elements of 2 channels of 2 images; -1 is off.
	positions := []int{0, 1, -1, 3, 2, -1, 1, 0, 3, 3, 0, -1, 1, 2, 0, 2}
	g := Switches{At: make([]int32, 16), H: 4, W: 4}
	for x, t := range positions {
		row, col := x/2%2, x%2
		g.At[x] = int32((2*row+t/2)*4 + 2*col + t%2)
		if t < 0 {
			g.At[x] = -1
		}
	}
	return net, g, tensor.From([]float32{1, 0, 0, 1}, 2, 2)
}

// The whole objective of a model, with every kind of layer and every term, and with both normalisations.
func TestGradientOfTheObjective(t *testing.T) {
	for _, divisive := range []bool{false, true} {
		checkObjective(t, divisive)
	}
}

func checkObjective(t *testing.T, divisive bool) {
	t.Helper()
	net, err := NewNet(Shape{{3, 3, Same, true}, {3, 2, Full, false}, {2, 2, Valid, false}}, Size{1, 6, 6}, 3,
		tensor.Stream(7, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	if divisive {
		if err := net.NormalizeDivisively(); err != nil {
			t.Fatal(err)
		}
	}
	x := images(4, 1, 6, 6)
	params := []*autograd.Var{net.Out.Weight, net.Out.Bias}
	for _, l := range net.Layers {
		params = append(params, l.Filters)
		for _, p := range nn.Params(l.Norm) {
			if !divisive || p.Name != "shift" { // which moves all switches of a layer at once; see the test of nn.LearntNorm
				params = append(params, p)
			}
		}
	}
	f := func(tape *autograd.Tape) *autograd.Var {
		var found Inference
		var r Rendering
		in := tape.Input(x)
		net.Infer(&found, in)
		net.Render(&r, OneHotArgmax(found.Logits), found.Switches)
		sum := loss.CrossEntropy(autograd.Slice(found.Logits, 0, 0, 2), []int{0, 2})
		unlabelled := autograd.Slice(found.Logits, 0, 2, 4)
		sum = autograd.Add(sum, autograd.Scale(loss.KL(unlabelled, nil), -0.5))
		sum = autograd.Add(sum, loss.MarginalKL(unlabelled, nil))
		sum = autograd.Add(sum, autograd.Scale(loss.SSE(r.Image(), in), 0.01))
		for _, z := range r.Templates[1:] {
			sum = autograd.Add(sum, autograd.Scale(loss.NonNegativity(z), 0.1))
		}
		return sum
	}
	// Small steps: with hundreds of switches, one soon flips.
	if err := gradcheck.Check(gradcheck.Config{Step: 0.0005, Tolerance: 0.02}, f, params...); err != nil {
		t.Error(err)
	}
}

// The features of a divisively normalised model hardly change with the contrast of the image; those of a bare one are
// proportional to it.
func TestDivisiveNormalizationForgetsContrast(t *testing.T) {
	net, err := NewNet(Shape{{8, 3, Same, true}, {4, 1, Valid, false}}, Size{1, 8, 8}, 3, tensor.Stream(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	x := images(1, 1, 8, 8)
	bright := x.Clone()
	for i := range bright.Data() {
		bright.Data()[i] *= 10
	}
	ratio := func() float64 {
		var a, b Inference
		net.Infer(&a, autograd.NewTape(1).Input(x))
		net.Infer(&b, autograd.NewTape(1).Input(bright))
		sum, of := 0.0, 0.0
		for i, v := range a.Features[0].Data() {
			sum, of = sum+float64(b.Features[0].Data()[i]), of+float64(v)
		}
		return sum / of
	}
	for _, l := range net.Layers {
		l.Norm = nil
	}
	if r := ratio(); math.Abs(r-10) > 1e-3 {
		t.Errorf("without normalisation, features grow by %.2f, want 10", r)
	}
	if err := net.NormalizeDivisively(); err != nil {
		t.Fatal(err)
	}
	for _, l := range net.Layers {
		l.Norm.(*nn.LearntNorm).Sigma.Data()[0] = 0.05
	}
	if r := ratio(); r > 2 || r < 1 {
		t.Errorf("with divisive normalisation, features grow by %.2f", r)
	}
	net.Layers[1].Norm.(*nn.LearntNorm).Alpha.Data()[0] = -1
	if net.Constrain(); net.Layers[1].Norm.(*nn.LearntNorm).Alpha.Data()[0] <= 0 {
		t.Error("alpha is not positive")
	}
	small, err := NewNet(Shape{{2, 3, Valid, false}, {2, 3, Valid, false}}, Size{1, 5, 5}, 2, tensor.Stream(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	if err := small.NormalizeDivisively(); err == nil || !strings.Contains(err.Error(), "layer 2: windows of 3 x 3") {
		t.Errorf("windows larger than the maps: %v", err)
	}
}

func TestInferRefusesOtherImages(t *testing.T) {
	defer func() {
		if got, want := fmt.Sprint(recover()), "drmm: Infer: want images [N, 2, 11, 10], got [3 2 10 10]"; got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	smallNet(t, true).Infer(new(Inference), autograd.NewTape(1).Input(images(3, 2, 10, 10)))
}
