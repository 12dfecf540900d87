// SPDX-License-Identifier: Apache-2.0

package synth

import (
	"crypto/sha256"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExampleGlyphs() {
	x, y := Glyphs(10, 1, "train")
	fmt.Println(x.Shape(), y)
	for row := 4; row < 24; row += 2 { // a text picture of the first image
		for column := 4; column < 24; column++ {
			fmt.Print(string(" .:#"[int(3*x.At(0, 0, row, column)+0.5)]))
		}
		fmt.Println("|")
	}
	// Output:
	// [10 1 28 28] [4 2 0 5 9 1 8 6 3 7]
	//        :::..        |
	//      .######.       |
	//     #########       |
	//    ####::####:      |
	//  .####   :####.     |
	//  ####.... .####.    |
	// .###############::::|
	//             .#####:.|
	//           .######...|
	//            ..:######|
}

// bytesOf returns the pixels as grey levels, exactly.
func bytesOf(t *testing.T, x *tensor.Tensor) []byte {
	t.Helper()
	b := make([]byte, x.Len())
	for i, v := range x.Data() {
		b[i] = byte(v*255 + 0.5)
		if v != float32(b[i])/255 {
			t.Fatalf("pixel %d is %v, no multiple of 1/255 in [0, 1]", i, v)
		}
	}
	return b
}

// The images of a seed are part of every result obtained with them: they must never change.
func TestGlyphsNeverChange(t *testing.T) {
	x, _ := Glyphs(500, 1, "train")
	const want = "cfb60693b64d62d5c389ad92da296cf99b8cf0772ab71502687790792e522347"
	if got := fmt.Sprintf("%x", sha256.Sum256(bytesOf(t, x))); got != want {
		t.Errorf("SHA-256 of the pixels is %s, want %s", got, want)
	}
}

func TestGlyphsDependOnSeedStreamAndIndexAlone(t *testing.T) {
	x, y := Glyphs(203, 7, "train")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one, _ := Glyphs(203, 7, "train")
	runtime.GOMAXPROCS(5)
	more, moreY := Glyphs(417, 7, "train")
	if !slices.Equal(x.Data(), one.Data()) {
		t.Error("one processor draws other images")
	}
	if !slices.Equal(x.Data(), more.Slice(0, 203).Data()) || !slices.Equal(y, moreY[:203]) {
		t.Error("more images do not begin with the same")
	}
	seed, _ := Glyphs(203, 8, "train")
	stream, _ := Glyphs(203, 7, "test")
	for i := range 203 {
		if slices.Equal(x.Row(i), seed.Row(i)) || slices.Equal(x.Row(i), stream.Row(i)) {
			t.Errorf("image %d does not depend on the seed or on the stream", i)
		}
	}
}

func TestGlyphsAreBalanced(t *testing.T) {
	_, y := Glyphs(995, 3, "train")
	if len(y) != 995 {
		t.Fatalf("%d labels", len(y))
	}
	for i := 0; i+10 <= len(y); i += 10 {
		ten := slices.Sorted(slices.Values(y[i : i+10]))
		if !slices.Equal(ten, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Fatalf("labels %d to %d are %v", i, i+9, y[i:i+10])
		}
	}
}

// MNIST's frame: the larger side of the ink is 20 pixels, and the centre of mass is in the middle.
func TestGlyphsAreFramedLikeMNIST(t *testing.T) {
	x, y := Glyphs(2000, 1, "test")
	for i := range x.Rows() {
		lo, hi := [2]int{side, side}, [2]int{-1, -1}
		var mass, mx, my float64
		for k, v := range x.Row(i) {
			px, py := k%side, k/side
			mass += float64(v)
			mx += float64(v) * (float64(px) + 0.5)
			my += float64(v) * (float64(py) + 0.5)
			if v > 0.5 {
				lo = [2]int{min(lo[0], px), min(lo[1], py)}
				hi = [2]int{max(hi[0], px), max(hi[1], py)}
			}
		}
		if extent := max(hi[0]-lo[0], hi[1]-lo[1]) + 1; extent < 16 || extent > 22 {
			t.Errorf("image %d, a %d, is %d pixels large", i, y[i], extent)
		}
		if d := math.Hypot(mx/mass-side/2, my/mass-side/2); d > 1.5 {
			t.Errorf("image %d, a %d, is %.1f pixels off the middle", i, y[i], d)
		}
		if mass < 20 || mass > 300 {
			t.Errorf("image %d, a %d, has %.0f pixels of ink", i, y[i], mass)
		}
	}
}

// The coverage of a polygon sums to its area, and the coverage of each pixel is the covered part of it.
func TestCanvas(t *testing.T) {
	for _, c := range []struct {
		name    string
		polygon []point
	}{
		{"square on the grid", []point{{2, 3}, {5, 3}, {5, 7}, {2, 7}}},
		{"square off the grid", []point{{2.25, 3.5}, {5.75, 3.5}, {5.75, 7.125}, {2.25, 7.125}}},
		{"within a pixel", []point{{4.1, 4.2}, {4.8, 4.3}, {4.5, 4.9}}},
		{"flat triangle", []point{{0, 0}, {27.3, 1.4}, {3.2, 2.9}}},
		{"to the border", []point{{28, 28}, {20, 28}, {28, 11.5}}},
	} {
		var v canvas
		v.fill(c.polygon)
		v.coverage()
		var sum float64
		for row := range v {
			for column := range side {
				sum += v[row][column]
			}
		}
		if area, _ := centroid([][]point{c.polygon}); math.Abs(sum-math.Abs(area)) > 1e-12 {
			t.Errorf("%s: coverage sums to %v, the area is %v", c.name, sum, area)
		}
	}

	var v canvas
	v.fill([]point{{1, 1}, {3, 1}, {1, 3}}) // half of a square of four pixels
	v.coverage()
	for _, c := range []struct {
		row, column int
		want        float64
	}{{1, 1, 1}, {1, 2, 0.5}, {2, 1, 0.5}, {2, 2, 0}, {0, 1, 0}, {1, 0, 0}, {1, 3, 0}} {
		if got := v[c.row][c.column]; math.Abs(got-c.want) > 1e-12 {
			t.Errorf("pixel %d, %d: coverage %v, want %v", c.row, c.column, got, c.want)
		}
	}
}

// A polygon that leaves the canvas must not write outside of it.
func TestCanvasClips(t *testing.T) {
	var v canvas
	v.fill([]point{{-5, -5}, {40, -7}, {33, 41}, {-2, 30}})
	v.coverage()
	for row := range v {
		for column := range side {
			if v[row][column] != 1 {
				t.Fatalf("pixel %d, %d within the polygon: coverage %v", row, column, v[row][column])
			}
		}
	}
}

// Equal control points move every point alike, since the weights of a spline sum to one.
func TestBend(t *testing.T) {
	var b bend
	for i := range b {
		for j := range b[i] {
			b[i][j] = point{0.25, -0.5}
		}
	}
	for _, p := range []point{{0, 0}, {0.5, -0.5}, {0.75, 0.75}, {-0.75, -0.3}, {0.249, 0.251}} {
		if q := b.move(p); math.Abs(q.x-p.x-0.25) > 1e-12 || math.Abs(q.y-p.y+0.5) > 1e-12 {
			t.Errorf("%v moved to %v", p, q)
		}
	}
}

func TestThicken(t *testing.T) {
	square := []point{{0, 0}, {4, 0}, {4, 4}, {0, 4}}
	got := make([]point, 4)
	thicken(got, square, math.Sqrt2)
	want := []point{{-1, -1}, {5, -1}, {5, 5}, {-1, 5}}
	for i := range want {
		if math.Hypot(got[i].x-want[i].x, got[i].y-want[i].y) > 1e-12 {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

func TestGlyphsPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a negative number of images did not panic")
		}
	}()
	Glyphs(-1, 1, "train")
}

func BenchmarkGlyphs12000(b *testing.B) {
	for b.Loop() {
		Glyphs(12_000, 1, "train")
	}
}
