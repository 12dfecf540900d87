// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// The values are those of scikit-image; testdata/images.py computes them.
func TestImageMeasuresAgainstScikitImage(t *testing.T) {
	text, err := os.ReadFile("testdata/images.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		H, W               int
		X, Y, Map          []float32
		PSNR, SSIM, Inside float64
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) != 3 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		x, y := tensor.From(c.X, c.H, c.W), tensor.From(c.Y, c.H, c.W)
		if got := metrics.PSNR(x, y, 255); !(math.Abs(got-c.PSNR) < 1e-9) {
			t.Errorf("%d x %d: PSNR %v, want %v", c.H, c.W, got, c.PSNR)
		}
		if got := metrics.SSIM(x, y, 255); !(math.Abs(got-c.SSIM) < 1e-7) {
			t.Errorf("%d x %d: SSIM %v, want %v", c.H, c.W, got, c.SSIM)
		}
		m := metrics.SSIMMap(x, y, 255)
		inside, n := 0.0, 0.0
		for i, want := range c.Map {
			if got := m.Data()[i]; !(math.Abs(float64(got-want)) < 1e-6) {
				t.Fatalf("%d x %d: element %d of the map is %v, want %v", c.H, c.W, i, got, want)
			}
			if r, w := i/c.W, i%c.W; min(r, c.H-1-r, w, c.W-1-w) >= 5 {
				inside += float64(m.Data()[i])
				n++
			}
		}
		if !(math.Abs(inside/n-c.Inside) < 1e-7) {
			t.Errorf("%d x %d: inside %v, want %v", c.H, c.W, inside/n, c.Inside)
		}
	}
}

func TestImageMeasuresOfEqualImages(t *testing.T) {
	x := tensor.From([]float32{1, 200, 30, 4, 50, 60}, 2, 3)
	if p, s := metrics.PSNR(x, x, 255), metrics.SSIM(x, x, 255); !math.IsInf(p, 1) || s != 1 {
		t.Errorf("PSNR %v and SSIM %v, want +Inf and 1", p, s)
	}
	none := tensor.New(0, 3)
	if p, s := metrics.PSNR(none, none, 1), metrics.SSIM(none, none, 1); !math.IsNaN(p) || !math.IsNaN(s) {
		t.Errorf("of no pixels: PSNR %v and SSIM %v, want NaN", p, s)
	}
}

func TestImageMeasuresRefuseOtherShapes(t *testing.T) {
	for want, f := range map[string]func(){
		"metrics: PSNR: shapes [2 3] and [3 2] differ": func() {
			metrics.PSNR(tensor.New(2, 3), tensor.New(3, 2), 1)
		},
		"metrics: SSIMMap: shapes [1 2 3] and [1 2 3]": func() {
			metrics.SSIM(tensor.New(1, 2, 3), tensor.New(1, 2, 3), 1)
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

func ExamplePSNR() {
	image := tensor.From([]float32{10, 20, 30, 40}, 2, 2)
	estimate := tensor.From([]float32{11, 19, 31, 39}, 2, 2) // off by 1 everywhere
	fmt.Printf("%.2f dB, structural similarity %.4f\n",
		metrics.PSNR(estimate, image, 255), metrics.SSIM(estimate, image, 255))
	// Output:
	// 48.13 dB, structural similarity 0.9967
}
