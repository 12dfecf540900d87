// SPDX-License-Identifier: Apache-2.0

package classify_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/classify"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/photos"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/transform"
)

// flowers writes a table of 150 rows of three species: four measurements that overlap a little, a colour, and some
// missing cells.
func flowers(dir string) (path string, err error) {
	rng := tensor.Stream(1, "flowers")
	means := [3][4]float64{{5, 3.4, 1.5, 0.2}, {5.9, 2.8, 4.3, 1.3}, {6.6, 3, 5.5, 2}}
	text := "sepal length,sepal width,petal length,petal width,colour,species\n"
	for i := range 150 {
		species := i % 3
		for j, mean := range means[species] {
			if (i+j)%40 == 7 {
				text += "," // missing
				continue
			}
			text += fmt.Sprintf("%.1f,", mean+rng.NormFloat64()*0.15*(1+mean/4))
		}
		colour := []string{"blue", "violet", "white"}[(species+rng.IntN(4)/3)%3]
		text += fmt.Sprintf("%s,%s\n", colour, []string{"setosa", "versicolor", "virginica"}[species])
	}
	path = filepath.Join(dir, "flowers.csv")
	return path, os.WriteFile(path, []byte(text), 0o666)
}

// shapes writes n photographs of two classes, discs and bars, of different sizes, colours and places.
func shapes(dir string, n int) (string, error) {
	rng := tensor.Stream(1, "shapes")
	for i := range n {
		class := []string{"disc", "bar"}[i%2]
		w, h := 40+rng.IntN(40), 40+rng.IntN(40)
		m := image.NewRGBA(image.Rect(0, 0, w, h))
		paint := color.RGBA{uint8(155 + rng.IntN(100)), uint8(155 + rng.IntN(100)), uint8(155 + rng.IntN(100)), 255}
		cx, cy, r := w/2+rng.IntN(9)-4, h/2+rng.IntN(9)-4, 10+rng.IntN(5)
		for y := range h {
			for x := range w {
				dx, dy := x-cx, y-cy
				on := dx*dx+dy*dy < r*r
				if class == "bar" {
					on = max(dx, -dx) < r/3 && max(dy, -dy) < r+3
				}
				m.Set(x, y, color.RGBA{uint8(rng.IntN(60)), uint8(rng.IntN(60)), uint8(rng.IntN(60)), 255})
				if on {
					m.Set(x, y, paint)
				}
			}
		}
		path := filepath.Join(dir, class, fmt.Sprintf("%03d.%s", i, []string{"png", "jpg"}[i/2%2]))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		f, err := os.Create(path)
		if err != nil {
			return "", err
		}
		if strings.HasSuffix(path, "jpg") {
			err = jpeg.Encode(f, m, nil)
		} else {
			err = png.Encode(f, m)
		}
		f.Close()
		if err != nil {
			return "", err
		}
	}
	return dir, nil
}

func fit(t *testing.T, e *classify.Examples, c classify.Config) *classify.Model {
	t.Helper()
	c.Quiet = true
	m, err := classify.Fit(t.Context(), e, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// same checks that two models predict the same, bit for bit.
func same(t *testing.T, name string, a, b *classify.Model, e *classify.Examples) {
	t.Helper()
	p, err := a.Predict(e)
	if err != nil {
		t.Fatal(err)
	}
	q, err := b.Predict(e)
	if err != nil || !slices.Equal(p.Data(), q.Data()) {
		t.Errorf("%s: other probabilities, %v", name, err)
	}
}

// A table, from the file to a saved model that reads further tables.
func TestTable(t *testing.T) {
	dir := t.TempDir()
	path, err := flowers(dir)
	if err != nil {
		t.Fatal(err)
	}
	data, err := classify.CSV(path, "species")
	if err != nil {
		t.Fatal(err)
	}
	train, test := data.Split(0.8, 1)
	if train.Len() != 120 || test.Len() != 30 {
		t.Errorf("%d and %d samples", train.Len(), test.Len())
	}
	m := fit(t, train, classify.Config{Seed: 1})
	score, err := m.Score(test)
	if err != nil {
		t.Fatal(err)
	}
	if score.Accuracy < 0.9 || score.Samples != 30 || !(score.ECE >= 0 && score.ECE < 0.3) {
		t.Errorf("%v", score)
	}
	saved := filepath.Join(dir, "flowers.model")
	if err := m.Save(saved); err != nil {
		t.Fatal(err)
	}
	again, err := classify.Load(saved)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "loaded", m, again, test)

	// New rows: columns in another order, no species, a colour that training never saw, a missing cell.
	next := filepath.Join(dir, "new.csv")
	os.WriteFile(next, []byte("colour,petal width,petal length,sepal width,sepal length\nblue,0.2,1.4,3.5,5.1\n"+
		"green,2.1,5.6,,6.7\n"), 0o666)
	rows, err := again.Read(next)
	if err != nil {
		t.Fatal(err)
	}
	p, err := again.Predict(rows)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"setosa", "virginica"} {
		if class, probability := again.Label(p.Row(i)); class != want || !(probability > 0.5) {
			t.Errorf("row %d: %s, %v", i, class, p.Row(i))
		}
	}
	if _, err := again.Score(rows); err == nil {
		t.Error("a score without classes")
	}
	if !slices.Equal(m.History.ValidSeries("loss"), fit(t, train, classify.Config{Seed: 1}).History.ValidSeries("loss")) {
		t.Error("the same training gives another result")
	}
}

// Photographs, in memory and streamed, give the same model; it reads a single photograph.
func TestPhotographs(t *testing.T) {
	dir := t.TempDir()
	if _, err := shapes(filepath.Join(dir, "all"), 80); err != nil {
		t.Fatal(err)
	}
	data, err := classify.Folder(filepath.Join(dir, "all"), photos.Config{Height: 16, Width: 16})
	if err != nil {
		t.Fatal(err)
	}
	train, test := data.Split(0.75, 1)
	config := classify.Config{
		Epochs: 12, Network: classify.Network{Filters: []int{8}, Hidden: []int{16}, Activation: classify.LWTA, Dropout: 0.1},
	}
	m := fit(t, train, config)
	score, err := m.Score(test)
	if err != nil || score.Accuracy < 0.9 {
		t.Errorf("%v, %v", score, err)
	}
	path := filepath.Join(dir, "shapes.model")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := classify.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	one, err := again.Read(filepath.Join(dir, "all", "bar", "001.png"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := again.Predict(one)
	if err != nil {
		t.Fatal(err)
	}
	if class, _ := again.Label(p.Row(0)); class != "bar" || p.Rows() != 1 {
		t.Errorf("%s: %v", class, p)
	}
	folder, err := again.Read(filepath.Join(dir, "all"))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := again.Score(folder); err != nil || s.Samples != 80 {
		t.Errorf("%v, %v", s, err)
	}
	same(t, "streamed", m, again, classify.Streamed(folder))
	streamed := fit(t, classify.Streamed(train), config)
	same(t, "trained on a stream", m, streamed, test)

	moved := config
	moved.Pad, moved.Flip, moved.Epochs = 2, true, 2
	same(t, "moved on a stream", fit(t, train, moved), fit(t, classify.Streamed(train), moved), test)

	// A photograph that vanishes ends training with its name.
	os.Remove(filepath.Join(dir, "all", "disc", "000.png"))
	gone := classify.Streamed(data)
	if _, err := classify.Fit(t.Context(), gone, config); err == nil || !strings.Contains(err.Error(), "000.png") {
		t.Errorf("a photograph that is gone: %v", err)
	}
	if _, err := m.Predict(gone); err == nil || !strings.Contains(err.Error(), "000.png") {
		t.Errorf("a photograph that is gone: %v", err)
	}
}

// Each activation and step can be saved; a pruned network too.
func TestSavedNetworks(t *testing.T) {
	dir := t.TempDir()
	digits, _ := dataset.Glyphs(1)
	data := classify.Set(digits.Slice(0, 300))
	for i, c := range []classify.Config{
		{Network: classify.Network{Hidden: []int{32}, Activation: classify.Maxout, Block: 4}},
		{Network: classify.Network{Filters: []int{4}, Activation: classify.KWTA, Block: 5}},
		{Network: classify.Network{Hidden: []int{}}, Steps: transform.Pipeline{&transform.Contrast{Scale: 10}}},
		{Network: classify.Network{Hidden: []int{16}},
			Steps: transform.Pipeline{&transform.Standardize{}, &transform.Whiten{Bias: 0.1}}},
	} {
		c.Epochs = 1
		m := fit(t, data, c)
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		again, err := classify.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprint(i), m, again, data)
	}

	m := fit(t, data, classify.Config{Epochs: 3, Network: classify.Network{Hidden: []int{64}}})
	if err := m.Prune(t.Context(), data, 0, classify.Config{}); err == nil {
		t.Error("nothing was to remain")
	}
	before := len(m.History.Epochs)
	if err := m.Prune(t.Context(), data, 0.2, classify.Config{Epochs: 4, Quiet: true}); err != nil {
		t.Fatal(err)
	}
	if s := m.Summary(nil); s.Layers[0].Params != (784*64+2)/5+64 || before == len(m.History.Epochs) {
		t.Errorf("%v", s)
	}
	if _, ok := m.Net[0].(*nn.SparseDense); !ok {
		t.Fatalf("%T", m.Net[0])
	}
	path := filepath.Join(dir, "pruned")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := classify.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "pruned", m, again, data)
	var wait sync.WaitGroup // a server predicts several samples at once
	for range 4 {
		wait.Go(func() { again.Probabilities(digits.X.Slice(0, 3)) })
	}
	wait.Wait()

	m.Net = append(m.Net, nn.Func(autograd.ReLU))
	if err := m.Save(path); err == nil || !strings.Contains(err.Error(), "only layers that Compress") {
		t.Errorf("another network: %v", err)
	}
}

// A training that is stopped goes on to the same model.
func TestResume(t *testing.T) {
	digits, _ := dataset.Glyphs(1)
	data := classify.Set(digits.Slice(0, 200))
	config := classify.Config{Epochs: 4, Pad: 1, Network: classify.Network{Hidden: []int{16}, Dropout: 0.2}}
	want := fit(t, data, config)
	config.Dir, config.Quiet = t.TempDir(), true
	config.Epochs = 2
	fit(t, data, config)
	config.Epochs = 4
	same(t, "resumed", want, fit(t, data, config), data)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := classify.Fit(ctx, data, classify.Config{Quiet: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestBadData(t *testing.T) {
	dir := t.TempDir()
	table := func(name, text string) *classify.Examples {
		path := filepath.Join(dir, name)
		os.WriteFile(path, []byte(text), 0o666)
		e, err := classify.CSV(path, "y")
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if _, err := shapes(filepath.Join(dir, "photos"), 9); err != nil {
		t.Fatal(err)
	}
	single := filepath.Join(dir, "photos", "cat", "only.png")
	os.MkdirAll(filepath.Dir(single), 0o755)
	b, _ := os.ReadFile(filepath.Join(dir, "photos", "disc", "000.png"))
	os.WriteFile(single, b, 0o666)
	folder, err := classify.Folder(filepath.Join(dir, "photos"), photos.Config{})
	if err != nil {
		t.Fatal(err)
	}
	digits, _ := dataset.Glyphs(1)
	few := classify.Set(digits.Slice(0, 50))
	ab := "x,y\n"
	for i := range 20 {
		ab += fmt.Sprintf("%d,%c\n", i, 'a'+i%2)
	}
	for want, do := range map[string]func() error{
		single + `: the class "cat" has only this sample`: func() error {
			_, err := classify.Fit(t.Context(), folder, classify.Config{})
			return err
		},
		`one.csv:4: the class "c" has only this sample`: func() error {
			_, err := classify.Fit(t.Context(), table("one.csv", "x,y\n1,a\n2,b\n3,c\n4,a\n5,b\n"), classify.Config{})
			return err
		},
		"LR is -1": func() error {
			_, err := classify.Fit(t.Context(), few, classify.Config{LR: -1})
			return err
		},
		`Activation is "elu"`: func() error {
			_, err := classify.Fit(t.Context(), few, classify.Config{Network: classify.Network{Activation: "elu"}})
			return err
		},
		"multiples of the block of 3": func() error {
			_, err := classify.Fit(t.Context(), few, classify.Config{Network: classify.Network{Hidden: []int{16}, Block: 3,
				Activation: classify.LWTA}})
			return err
		},
		"Filters is [3]: want none for samples of shape [1]": func() error {
			_, err := classify.Fit(t.Context(), table("ab.csv", ab), classify.Config{
				Network: classify.Network{Filters: []int{3}}})
			return err
		},
		"Pad and Flip are for images": func() error {
			_, err := classify.Fit(t.Context(), table("ab.csv", ab), classify.Config{Flip: true})
			return err
		},
		"the model was trained on [1]": func() error {
			m := fit(t, table("ab.csv", ab), classify.Config{Epochs: 1})
			_, err := m.Predict(few)
			return err
		},
		"not written by Model.Save": func() error {
			path := filepath.Join(dir, "weights")
			if err := nn.Save(path, nn.NewDense(1, 1, nil, tensor.Stream(1, ""))); err != nil {
				return err
			}
			_, err := classify.Load(path)
			return err
		},
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// Models that are fitted with the same configuration share nothing.
func TestSameConfigTwice(t *testing.T) {
	digits, _ := dataset.Glyphs(1)
	first, second := digits.Slice(0, 100), digits.Slice(100, 200)
	config := classify.Config{Epochs: 1, Steps: transform.Pipeline{&transform.Standardize{}}}
	a := fit(t, classify.Set(first), config)
	before := a.Probabilities(first.X)
	fit(t, classify.Set(second), config)
	if !slices.Equal(a.Probabilities(first.X).Data(), before.Data()) {
		t.Error("the second training changed the first model")
	}
	if config.Steps[0].(*transform.Standardize).Mean != nil {
		t.Error("the training changed its configuration")
	}
}
