// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/render"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Images depend on neither the number of goroutines nor the number of images.
func TestWorkers(t *testing.T) {
	c := Solids(1, 3, "train")
	few := c.Render(2, Views{Seed: 5, Stream: "a", Side: 32, Workers: 1})
	if few.Rows() != 2*Kinds() {
		t.Fatalf("%d images of %d kinds", few.Rows(), Kinds())
	}
	for _, workers := range []int{2, 3, 7} {
		again, drawn := c.RenderAll(2, Views{Seed: 5, Stream: "a", Side: 32, Workers: workers})
		if !slices.Equal(few.Data(), again.Data()) {
			t.Errorf("%d goroutines render other images", workers)
		}
		if len(drawn) != few.Rows() {
			t.Errorf("%d nuisances", len(drawn))
		}
	}
	if other := c.Render(2, Views{Seed: 5, Stream: "b", Side: 32}); slices.Equal(few.Data(), other.Data()) {
		t.Error("another stream renders the same images")
	}
}

// More solids begin with the same ones, and those of another stream are others.
func TestSolids(t *testing.T) {
	two, three := Solids(2, 1, "train"), Solids(3, 1, "train")
	other := Solids(2, 1, "test")
	for super := range two.Names {
		for i := range 2 {
			a, b := two.Meshes[2*super+i], three.Meshes[3*super+i]
			if two.Super[2*super+i] != super || three.Super[3*super+i] != super {
				t.Fatalf("superclasses %v, %v", two.Super, three.Super)
			}
			if !slices.Equal(a.Points, b.Points) || !slices.Equal(a.Faces, b.Faces) {
				t.Errorf("%s %d depends on how many there are", two.Names[super], i)
			}
			if slices.Equal(a.Points, other.Meshes[2*super+i].Points) {
				t.Errorf("%s %d is in the other stream too", two.Names[super], i)
			}
			if n := len(a.Faces); n < 12 || n > 4000 {
				t.Errorf("%s %d has %d faces", two.Names[super], i, n)
			}
			far := 0.0
			for _, p := range a.Points {
				far = max(far, p.Len())
			}
			if !(math.Abs(far-1) < 1e-9) {
				t.Errorf("%s %d reaches to %g", two.Names[super], i, far)
			}
		}
		if slices.Equal(two.Meshes[2*super].Points, two.Meshes[2*super+1].Points) {
			t.Errorf("both %s are the same", two.Names[super])
		}
	}
	names := slices.Sorted(slices.Values(two.Names))
	if len(slices.Compact(names)) != Kinds() || Kinds() < 36 {
		t.Errorf("%d kinds: %v", Kinds(), names)
	}
}

// All places, lights and textures occur, and where a solid is and where it is lit from can be seen in the image.
func TestNuisances(t *testing.T) {
	c := &Collection{Meshes: []*render.Mesh{render.Sphere(1, 12).Fit().Smooth(1)}, Super: []int{0}}
	const n, side = 400, 32
	x, drawn := c.RenderAll(n, Views{Seed: 1, Stream: "n", Side: side, Textures: []int{0, 4}})
	counts := map[string]int{}
	right, above := map[int]float64{}, map[int]float64{}
	for i, d := range drawn {
		counts[fmt.Sprint("place", d.Place)]++
		counts[fmt.Sprint("light", d.Light)]++
		counts[fmt.Sprint("texture", d.Texture)]++
		cx, cy := detail(x.Row(i), side)
		right[d.Place] += cx
		above[d.Place] += cy
	}
	if len(counts) != 12 {
		t.Errorf("%v", counts)
	}
	for p := range 5 {
		px, py := corner(p)
		k := float64(counts[fmt.Sprint("place", p)])
		if gx, gy := right[p]/k, above[p]/k; px != 0 && (gx*px < 2 || gy*py < 2) {
			t.Errorf("place %d: the solid is at (%.1f, %.1f)", p, gx, gy)
		}
	}
	for _, v := range x.Data() {
		if grey := float64(v) * 255; !(v >= 0 && v <= 1) || math.Abs(grey-math.Round(grey)) > 1e-4 {
			t.Fatalf("pixel %g", v)
		}
	}
}

// detail returns the centre of the image's edges, from its middle to the right and upwards.
func detail(pixels []float32, side int) (x, y float64) {
	sum := 0.0
	for i := range side - 1 {
		for j := range side - 1 {
			dx, dy := pixels[i*side+j+1]-pixels[i*side+j], pixels[(i+1)*side+j]-pixels[i*side+j]
			w := math.Pow(float64(dx*dx+dy*dy), 2)
			sum, x, y = sum+w, x+w*(float64(j)-float64(side)/2), y-w*(float64(i)-float64(side)/2)
		}
	}
	return x / sum, y / sum
}

func TestTexturesOfTestsAreNew(t *testing.T) {
	for _, k := range TestTextures {
		if slices.Contains(TrainTextures, k) {
			t.Errorf("texture %d is in both", k)
		}
	}
	if len(TrainTextures)+len(TestTextures) != render.Textures {
		t.Errorf("%d textures to train and %d to test with, of %d", len(TrainTextures), len(TestTextures), render.Textures)
	}
}

func TestSticks(t *testing.T) {
	c, again := Sticks(20, 1, "test"), Sticks(30, 1, "test")
	for i, m := range c.Meshes {
		if !slices.Equal(m.Points, again.Meshes[i].Points) || c.Super[i] != i {
			t.Errorf("figure %d depends on how many there are, or has superclass %d", i, c.Super[i])
		}
	}
	x := c.Render(1, Views{Seed: 1, Stream: "s", Side: 32, Tumble: true})
	for i := range x.Rows() {
		lo, hi := slices.Min(x.Row(i)), slices.Max(x.Row(i))
		if hi-lo < 0.1 {
			t.Errorf("figure %d cannot be seen: pixels from %g to %g", i, lo, hi)
		}
	}
}

const triangle = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"

// archive writes a .tar.gz with the given files, whose names alternate with their contents.
func archive(t *testing.T, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	a := tar.NewWriter(z)
	for i := 0; i < len(files); i += 2 {
		a.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o600, Typeflag: tar.TypeReg})
		a.Write([]byte(files[i+1]))
	}
	a.Close()
	z.Close()
	b.Write(make([]byte, 16)) // as tape drives do
	name := filepath.Join(t.TempDir(), "solids.tar.gz")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"10.obj", "9.OBJ", "b.obj", "readme.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(triangle), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packed := archive(t, "./10.obj", triangle, "./9.OBJ", triangle, "./b.obj", triangle, "./readme.txt", "")
	for _, name := range []string{dir, packed} {
		c, err := ReadFiles(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.Names, []string{"9", "10", "b"}) || len(c.Meshes) != 3 || !slices.Equal(c.Super, []int{0, 1, 2}) {
			t.Errorf("%s: %v, superclasses %v", name, c.Names, c.Super)
		}
	}
	whole, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(packed, whole[:len(whole)/2], 0o600)
	damaged := archive(t, "1.obj", triangle)
	changed, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	changed[len(changed)-16-8]++ // in the check sum
	os.WriteFile(damaged, changed, 0o600)
	os.WriteFile(filepath.Join(dir, "c.obj"), []byte("v 1 2 3\nv 1 2\n"), 0o600)
	plain := filepath.Join(t.TempDir(), "plain.txt")
	os.WriteFile(plain, []byte("text"), 0o600)
	for name, want := range map[string]string{
		dir:                     "c.obj:2: a point with 2 coordinates: want 3",
		packed:                  "truncated",
		damaged:                 "damaged (gzip: invalid checksum)",
		plain:                   "neither a folder nor a .tar.gz archive",
		t.TempDir():             "holds no OBJ file",
		filepath.Join(dir, "x"): "no such file",
		archive(t, "a.obj", "v 1 2 3\nf 1 1 7\n"): "a.obj:2: corner \"7\": there are 1 points so far",
	} {
		if _, err := ReadFiles(name, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// With skip, a broken file costs nothing but itself.
func TestReadFilesSkips(t *testing.T) {
	var skipped []string
	skip := func(err error) { skipped = append(skipped, err.Error()) }
	name := archive(t, "1.obj", triangle, "2.obj", "v 1 nan 2\n", "3.obj", triangle)
	c, err := ReadFiles(name, skip)
	if err != nil || !slices.Equal(c.Names, []string{"1", "3"}) {
		t.Errorf("%v, %v", c, err)
	}
	if len(skipped) != 1 || !strings.HasPrefix(skipped[0], `2.obj:1: coordinate "nan"`) {
		t.Errorf("skipped %q", skipped)
	}
	name = archive(t, "2.obj", "v 1\n")
	if _, err := ReadFiles(name, skip); err == nil || !strings.Contains(err.Error(), "no OBJ file") {
		t.Errorf("nothing remains: %v", err)
	}
}

func BenchmarkRender(b *testing.B) {
	c := Solids(2, 1, "train")
	x := tensor.New(len(c.Meshes), 1, 64, 64)
	for b.Loop() {
		x = c.Render(1, Views{Seed: 1, Stream: "x", Workers: 1})
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/float64(x.Rows()), "ms/image")
}

// Four views of a chair.
func Example() {
	chairs := Solids(1, 1, "example")
	i := slices.Index(chairs.Names, "chair")
	chair := &Collection{Meshes: chairs.Meshes[i : i+1], Super: []int{0}, Names: []string{"chair"}}
	x, drawn := chair.RenderAll(4, Views{Seed: 1, Stream: "example", Textures: TrainTextures})
	fmt.Println(x.Shape())
	for _, d := range drawn {
		fmt.Printf("%+v\n", d)
	}
	// Output:
	// [4 1 64 64]
	// {Place:0 Light:2 Texture:12}
	// {Place:3 Light:1 Texture:4}
	// {Place:3 Light:1 Texture:9}
	// {Place:3 Light:3 Texture:1}
}
