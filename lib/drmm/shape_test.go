// SPDX-License-Identifier: Apache-2.0

package drmm_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// The document's tables count in thousands, with four digits for weights and truncated operations: 18,874,368 is
// 18,874K. Its total of operations adds the truncated numbers, 33,137K instead of 33,138,888 bottom-up.
func TestCostsOfTables19To21(t *testing.T) {
	want := []struct {
		name              string
		weights           int
		bottomUp, topDown float64 // thousands
	}{
		{"conv1", 800, 1638, 1254},
		{"conv2", 18432, 7225, 9437},
		{"conv3", 36864, 18874, 14450},
		{"conv4", 73728, 5308, 9437},
		{"conv5", 1280, 92, 92},
		{"softmax", 100, 0.2, 0.02},
	}
	costs, err := FiveLayer().Costs(Size{1, 28, 28}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(costs) != len(want)+1 {
		t.Fatalf("%d rows, want %d", len(costs), len(want)+1)
	}
	var up, down float64
	for i, w := range want {
		c := costs[i]
		if c.Name != w.name || c.Weights != w.weights || cut(c.BottomUp) != w.bottomUp || cut(c.TopDown) != w.topDown {
			t.Errorf("%+v, want %+v", c, w)
		}
		up, down = up+cut(c.BottomUp), down+cut(c.TopDown)
	}
	total := costs[len(want)]
	if total.Weights != 131204 || math.Round(up) != 33137 || total.BottomUp != 33138888 || total.TopDown != 34671636 {
		t.Errorf("total %+v, and %v and %v of what was cut off", total, up, down)
	}
}

// cut returns thousands as the document prints them.
func cut(n int) float64 {
	if n < 1000 {
		return float64(n) / 1000
	}
	return math.Floor(float64(n) / 1000)
}

// The sizes of Table 7 and the counts that follow from them.
func TestNineLayers(t *testing.T) {
	for _, c := range []struct {
		shape   Shape
		image   Size
		classes int
		weights int
		sides   []int
	}{
		{NineLayer(200), Size{1, 64, 64}, 200, 1403232, []int{64, 32, 34, 18, 16, 18, 8, 6, 6, 6}},
		{NineLayer(36), Size{1, 64, 64}, 36, 1371744, nil},
		{NineLayer(720), Size{1, 64, 64}, 720, 1503072, nil},
		{NineLayerSmall(10), Size{3, 32, 32}, 10, 1368480, []int{32, 32, 34, 18, 16, 18, 8, 6, 6, 6}},
	} {
		costs, err := c.shape.Costs(c.image, c.classes)
		if err != nil {
			t.Fatal(err)
		}
		// These counts exclude the templates of the classes.
		if got := costs[len(costs)-1].Weights - c.classes*c.classes; got != c.weights {
			t.Errorf("%d classes: %d weights, want %d", c.classes, got, c.weights)
		}
		sizes, err := c.shape.Sizes(c.image)
		if err != nil {
			t.Fatal(err)
		}
		for i, side := range c.sides {
			if sizes[i].H != side || sizes[i].W != side {
				t.Errorf("level %d is %+v, want side %d", i, sizes[i], side)
			}
		}
	}
}

// A network has the number of weights of the table, plus its normalisation.
func TestNetHasTheWeightsOfItsShape(t *testing.T) {
	net, err := NewNet(FiveLayer(), Size{1, 28, 28}, 10, tensor.Stream(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	weights := 0
	for _, p := range nn.Params(net) {
		if strings.HasSuffix(p.Name, "filters") || p.Name == "out.weight" {
			weights += p.Value().Len()
		}
	}
	if weights != 131204 {
		t.Errorf("%d weights, want 131204", weights)
	}
}

func TestShapesAreReadAsWritten(t *testing.T) {
	for _, s := range []Shape{FiveLayer(), NineLayer(200), NineLayerSmall(10)} {
		got, err := ParseShape(s.String())
		if err != nil || got.String() != s.String() {
			t.Errorf("%v was read as %v, %v", s, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                                "want filters, padding",
		"32x5x5":                          "want filters, padding",
		"32x5x5 full pool pool":           "want filters, padding",
		"32x5x5 full, 3x3 valid":          "layer 2",
		"0x5x5 full":                      "filters, and the same range",
		"1x99999999x99999999 full":        "filters, and the same range",
		"32x5x4 full":                     "square",
		"32x4x4 same":                     "odd",
		"32x5x5 half":                     "valid, same, full",
		"32x+5x5 full":                    "as in 32x5x5",
		"32x5x5junk full":                 "as in 32x5x5",
		"32x5x5 full pool, 64x3x3 valid,": "layer 3",
	} {
		if _, err := ParseShape(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	if _, err := FiveLayer().Sizes(Size{1, 4, 4}); err == nil || !strings.Contains(err.Error(), "layer 4") {
		t.Errorf("images of 4 x 4: error %v, want one that names layer 4", err)
	}
}

func FuzzParseShape(f *testing.F) {
	f.Add(FiveLayer().String())
	f.Add("32x5x5 full pool, 64x3x3")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseShape(text)
		if err != nil {
			return
		}
		again, err := ParseShape(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%q was read as %v, and that as %v, %v", text, s, again, err)
		}
	})
}
