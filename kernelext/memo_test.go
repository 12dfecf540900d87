// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

type result struct {
	Loss   []float64
	Counts map[string]int
	At     time.Time
	Next   *result
}

// memoIn calls TryMemo in the directory and returns what it printed as well.
func memoIn[T any](t *testing.T, dir, name string, config any, f func() (T, error)) (v T, said string, err error) {
	t.Helper()
	t.Setenv("LATERAL_MEMO", dir)
	said = captureStdout(t, func() { v, err = TryMemo(name, config, f) })
	return v, said, err
}

func give[T any](v T) func() (T, error) { return func() (T, error) { return v, nil } }

// never is a computation that must not run.
func never[T any](t *testing.T) func() (T, error) {
	return func() (T, error) { t.Error("computed although it is stored"); var v T; return v, nil }
}

func TestMemoComputesOnce(t *testing.T) {
	dir := t.TempDir()
	want := result{Loss: []float64{1, math.NaN(), math.Inf(1)}, Counts: map[string]int{"a": 0}, At: time.Now(),
		Next: &result{Loss: []float64{2}}}
	_, said, err := memoIn(t, dir, "train", map[string]int{"epochs": 5}, give(want))
	if err != nil || !strings.Contains(said, "computed in") || !strings.Contains(said, "stored") {
		t.Fatalf("first: %q %v", said, err)
	}
	got, said, err := memoIn(t, dir, "train", map[string]int{"epochs": 5}, never[result](t))
	if err != nil || !strings.Contains(said, "reused") {
		t.Fatalf("second: %q %v", said, err)
	}
	if got.Loss[0] != 1 || !math.IsNaN(got.Loss[1]) || !math.IsInf(got.Loss[2], 1) || got.Counts["a"] != 0 ||
		len(got.Counts) != 1 || !got.At.Equal(want.At) || got.Next.Loss[0] != 2 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if n, said, _ := memoIn(t, dir, "train", map[string]int{"epochs": 6}, give(result{})); n.Loss != nil ||
		!strings.Contains(said, "the config changed (epochs 5 -> 6), computing") {
		t.Errorf("another config: %+v %q", n, said)
	}
	listed := func(epochs int) map[string]any { return map[string]any{"epochs": epochs, "drops": []int{3, 4}} }
	memoIn(t, dir, "listed", listed(5), give(result{}))
	if _, said, _ := memoIn(t, dir, "listed", listed(6), give(result{})); !strings.Contains(said, "(epochs 5 -> 6)") {
		t.Errorf("another config with the same list: %q", said)
	}
	if _, said, _ := memoIn(t, dir, "other", map[string]int{"epochs": 5}, give(result{})); strings.Contains(said,
		"reused") {
		t.Errorf("another name: %q", said)
	}
}

func TestMemoOfEveryKindOfValue(t *testing.T) {
	dir := t.TempDir()
	roundTrip(t, dir, "int", 0)
	roundTrip(t, dir, "text", "")
	roundTrip(t, dir, "flag", true)
	roundTrip(t, dir, "array", [2]float32{1, 2})
	roundTrip(t, dir, "nested", map[string][][]float64{"x": {{1}, {2, 3}}})
	roundTrip(t, dir, "pointer", &struct{ A int }{3})
	roundTrip(t, dir, "nil pointer", (*struct{ A int })(nil))
	roundTrip(t, dir, "nil slice", []int(nil))
	roundTrip(t, dir, "empty slice", []int{})
	roundTrip(t, dir, "empty map", map[string]int{})
	zero := 0
	roundTrip(t, dir, "pointer to zero", &zero)
	roundTrip(t, dir, "bytes", []byte{0, 1})
	roundTrip(t, dir, "complex", 1+2i)
}

// A trained network holds gradients beside its weights; the weights are what is kept.
func TestMemoOfANetworkAfterAStep(t *testing.T) {
	dir := t.TempDir()
	type trained struct {
		Layer *nn.Dense
		Error float64
	}
	layer := nn.NewDense(3, 2, nil, tensor.Stream(1, "weights"))
	nn.Params(layer) // names the parameters
	tape := autograd.NewTape(1)
	tape.Backward(autograd.Sum(layer.Forward(tape.Input(tensor.New(4, 3)))))
	if _, said, err := memoIn(t, dir, "net", nil, give(&trained{layer, 0.5})); err != nil ||
		strings.Contains(said, "not stored") {
		t.Fatalf("%q %v", said, err)
	}
	got, _, err := memoIn(t, dir, "net", nil, never[*trained](t))
	if err != nil || got.Error != 0.5 || !slices.Equal(got.Layer.Weight.Data(), layer.Weight.Data()) ||
		!slices.Equal(got.Layer.Bias.Data(), layer.Bias.Data()) {
		t.Errorf("the network read back differs: %v", err)
	}
}

func roundTrip[T any](t *testing.T, dir, name string, v T) {
	t.Helper()
	if _, said, err := memoIn(t, dir, name, nil, give(v)); err != nil || !strings.Contains(said, "stored") ||
		strings.Contains(said, "not stored") {
		t.Errorf("%s: %q %v", name, said, err)
		return
	}
	got, said, err := memoIn(t, dir, name, nil, never[T](t))
	if err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("%s: got %+v, want %+v: %q %v", name, got, v, said, err)
	}
}

// Tied weights are still tied when they are read back, and what refers to itself still does.
func TestMemoRestoresSharing(t *testing.T) {
	dir := t.TempDir()
	type net struct{ A, B *nn.Dense }
	layer := nn.NewDense(4, 4, nil, tensor.Stream(1, "w"))
	memoIn(t, dir, "tied", 1, give(&net{layer, layer}))
	got, _, err := memoIn(t, dir, "tied", 1, never[*net](t))
	if err != nil || got.A != got.B || len(nn.Params(got)) != 2 {
		t.Errorf("%d parameters, %v", len(nn.Params(got)), err)
	}
	loop := &result{}
	loop.Next = loop
	memoIn(t, dir, "loop", 1, give(loop))
	if got, _, err := memoIn(t, dir, "loop", 1, never[*result](t)); err != nil || got.Next != got {
		t.Errorf("%+v, %v", got, err)
	}
}

// model is as the library's are: its parameters encode themselves, without name and gradient.
type model struct {
	Hidden, Out *layer
	Mean        *tensor.Tensor
}

type layer struct{ Weight, Bias *autograd.Var }

func TestMemoOfModel(t *testing.T) {
	dir := t.TempDir()
	weight := tensor.From([]float32{1, float32(math.NaN()), 3, 4}, 2, 2)
	want := &model{Hidden: &layer{Weight: autograd.NewParam(weight)}, Mean: tensor.New(3)}
	if _, said, err := memoIn(t, dir, "net", 1, give(want)); err != nil || strings.Contains(said, "not stored") {
		t.Fatalf("%q %v", said, err)
	}
	got, said, err := memoIn(t, dir, "net", 1, never[*model](t))
	if err != nil {
		t.Fatalf("%q %v", said, err)
	}
	w := got.Hidden.Weight.Value()
	if got.Out != nil || got.Hidden.Bias != nil || got.Mean.Len() != 3 || w.Rows() != 2 || w.At(1, 0) != 3 ||
		w.At(0, 1) == w.At(0, 1) {
		t.Errorf("got %v %v", got, w)
	}
}

// kept keeps itself as a file.
type kept struct{ weights []byte }

func (n *kept) Save(dir string) error {
	return os.WriteFile(filepath.Join(dir, "weights"), n.weights, 0o666)
}

func (n *kept) Load(dir string) (err error) {
	n.weights, err = os.ReadFile(filepath.Join(dir, "weights"))
	return err
}

func TestMemoOfStorable(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		got, said, err := memoIn(t, dir, "pointer", 1, give(&kept{[]byte("w")}))
		if err != nil || string(got.weights) != "w" {
			t.Errorf("pointer: %v %q %v", got, said, err)
		}
		value, said, err := memoIn(t, dir, "value", 1, give(kept{[]byte("v")}))
		if err != nil || string(value.weights) != "v" {
			t.Errorf("value: %v %q %v", value, said, err)
		}
	}
	if _, said, _ := memoIn(t, dir, "pointer", 1, never[*kept](t)); !strings.Contains(said, "reused (1 B") {
		t.Errorf("said %q", said)
	}
}

func TestMemoRefusesTypesThatWouldLosePartsBeforeComputing(t *testing.T) {
	type inner struct{ Shown, hidden int }
	_ = inner{}.hidden
	refused(t, "hidden", struct{ In []inner }{}, "In.hidden is not exported")
	refused(t, "func", struct{ F func() }{}, "F is a func")
	refused(t, "chan", make(chan int), "chan int is a chan")
	refused(t, "interface", struct{ Layers []fmt.Stringer }{}, "Layers is an interface (fmt.Stringer)")
	refused(t, "map", map[string]*inner{}, "hidden is not exported")
	refused(t, "any", struct{ V any }{}, "V is an interface")
	refused(t, "storable inside", []*kept{}, "weights is not exported")
	refused(t, "promoted", struct{ *kept }{}, "kept is not exported") // Save would keep the field alone
}

func refused[T any](t *testing.T, name string, v T, want string) {
	t.Helper()
	_, _, err := memoIn(t, t.TempDir(), name, 1, func() (T, error) { t.Errorf("%s: computed", name); return v, nil })
	var fault *UnstorableError
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

func TestMemoRefusesConfigsThatHideParts(t *testing.T) {
	type options struct{ rate float64 }
	type stamped struct {
		time.Time
		Rate float64
	}
	_, _, err := memoIn(t, t.TempDir(), "m", []any{stamped{time.Now(), 0.1}}, give(1))
	if err == nil || !strings.Contains(err.Error(), "embeds a type that writes itself as JSON") {
		t.Errorf("a config whose JSON is the time alone: %v", err)
	}
	loop := &result{}
	loop.Next = loop
	if _, _, err := memoIn(t, t.TempDir(), "m", loop, give(1)); err == nil || !strings.Contains(err.Error(), "JSON") {
		t.Errorf("a config that holds itself: %v", err)
	}
	for _, config := range []any{options{0.1}, &options{0.1}, []any{options{0.1}}, map[string]any{"o": options{0.1}}} {
		_, _, err := memoIn(t, t.TempDir(), "m", config, give(1))
		var fault *UnstorableError
		if !errors.As(err, &fault) || fault.What != "config" || !strings.Contains(err.Error(), "rate is not exported") {
			t.Errorf("%T: %v", config, err)
		}
	}
	for _, config := range []any{math.NaN(), func() {}} {
		if _, _, err := memoIn(t, t.TempDir(), "m", config, give(1)); err == nil || !strings.Contains(err.Error(), "JSON") {
			t.Errorf("%T: %v", config, err)
		}
	}
	if _, _, err := memoIn(t, t.TempDir(), "", 1, give(1)); err == nil {
		t.Error("an empty name is accepted")
	}
	if _, _, err := memoIn(t, t.TempDir(), "time", struct{ At time.Time }{time.Now()}, give(1)); err != nil {
		t.Errorf("a type that encodes itself: %v", err)
	}
}

func TestMemoReturnsAValueThatCannotBeStored(t *testing.T) {
	values := []int{1, 2}
	notStored(t, "overlap", struct {
		V []int
		P *int
	}{values, &values[1]}, "share a part of their memory")
	notStored(t, "save", &unsaved{}, "no weights")
	notStored(t, "nil", (*unsaved)(nil), "the value is nil")
}

type unsaved struct{}

func (*unsaved) Save(string) error { return errors.New("no weights") }
func (*unsaved) Load(string) error { return nil }

func notStored[T any](t *testing.T, name string, v T, want string) {
	t.Helper()
	dir := t.TempDir()
	_, said, err := memoIn(t, dir, name, 1, give(v))
	if err != nil || !strings.Contains(said, "not stored in "+dir) || !strings.Contains(said, want) {
		t.Errorf("%s: %q %v", name, said, err)
	}
	leftovers(t, dir)
}

// leftovers fails if the directory holds anything but locks.
func leftovers(t *testing.T, dir string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	for _, e := range list {
		if !strings.HasSuffix(e.Name(), ".lock") {
			t.Errorf("%s is left behind", e.Name())
		}
	}
}

func TestMemoStoresNothingAfterAnError(t *testing.T) {
	dir := t.TempDir()
	cause := errors.New("no data")
	if _, _, err := memoIn(t, dir, "m", 1, func() (int, error) { return 3, cause }); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is swallowed")
			}
		}()
		TryMemo("m", 1, func() (int, error) { panic("broken") })
	}()
	leftovers(t, dir)
	if v, _, err := memoIn(t, dir, "m", 1, give(4)); v != 4 || err != nil { // and the lock is free
		t.Errorf("%d %v", v, err)
	}
}

func TestMemoRecomputesWhatIsDamaged(t *testing.T) {
	damage := map[string]struct {
		do   func(t *testing.T, dir string)
		want string
	}{
		"truncated value": {func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, valueDir, snapshotFile)) },
			"bytes instead of"},
		"changed value": {func(t *testing.T, dir string) { flip(t, filepath.Join(dir, valueDir, snapshotFile)) },
			"was changed after"},
		"no value": {func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, valueDir))) },
			"no such file"},
		"truncated entry": {func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, entryFile)) },
			"entry.json cannot be read: damaged"},
		"changed entry": {func(t *testing.T, dir string) { flip(t, filepath.Join(dir, entryFile)) },
			"entry.json cannot be read: damaged"},
		"another's entry": {func(t *testing.T, dir string) { exchange(t, dir) }, "is an entry of another name or config"},
		"no entry": {func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, entryFile))) },
			"cannot be read"},
		"a file instead": {func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			must(t,
				os.WriteFile(dir, nil, 0o666))
		}, "cannot be read"},
	}
	for name, c := range damage {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			want := strings.Repeat("value", 100)
			memoIn(t, dir, "m", 1, give(want))
			entries, err := filepath.Glob(filepath.Join(dir, "m-*"))
			if err != nil || len(entries) != 1 {
				t.Fatal(entries, err)
			}
			c.do(t, entries[0])
			got, said, err := memoIn(t, dir, "m", 1, give(want))
			if got != want || err != nil || !strings.Contains(said, c.want) || !strings.Contains(said, "computing again") {
				t.Errorf("%q %v, want %q", said, err, c.want)
			}
			if got, said, err := memoIn(t, dir, "m", 1, never[string](t)); got != want || err != nil {
				t.Errorf("not mended: %q %v", said, err)
			}
		})
	}
}

func truncate(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	must(t, os.Truncate(path, info.Size()/2))
}

func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	b[len(b)-2] ^= 1
	must(t, os.WriteFile(path, b, 0o666))
}

// exchange puts the entry of another name in the place of one.
func exchange(t *testing.T, dir string) {
	t.Helper()
	memoIn(t, filepath.Dir(dir), "other", 1, give("other"))
	others, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "other-*"))
	must(t, err)
	must(t, os.RemoveAll(dir))
	must(t, os.Rename(others[0], dir))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMemoOfAChangedType(t *testing.T) {
	dir := t.TempDir()
	type run struct{ A int }
	memoIn(t, dir, "m", 1, give(run{3}))
	{
		type run struct{ A, B int }
		got, said, err := memoIn(t, dir, "m", 1, give(run{4, 5}))
		if got != (run{4, 5}) || err != nil ||
			!strings.Contains(said, "written for the type kernelext.run{A int}, now it is kernelext.run{A int; B int}") {
			t.Errorf("%+v %q %v", got, said, err)
		}
		if got, said, err := memoIn(t, dir, "m", 1, never[run](t)); got != (run{4, 5}) {
			t.Errorf("%+v %q %v", got, said, err)
		}
	}
}

func TestForgetAndList(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LATERAL_MEMO", filepath.Join(dir, "none"))
	if list, err := List(); len(list) != 0 || err != nil {
		t.Errorf("List without a directory: %v %v", list, err)
	}
	memoIn(t, dir, "b/ü", 1, give(1))
	memoIn(t, dir, "b/ü", 2, give(1))
	memoIn(t, dir, "b/u", 2, give(1)) // the same file name but for the key
	memoIn(t, dir, "a", 1, give("x"))
	list, err := List()
	if err != nil || len(list) != 4 || list[0].Name != "a" || list[1].Name != "b/u" || string(list[0].Config) != "1" ||
		list[0].Size() == 0 {
		t.Errorf("List: %+v %v", list, err)
	}
	if n, err := Forget("b/ü"); n != 2 || err != nil {
		t.Errorf("Forget: %d %v", n, err)
	}
	if n, err := Forget("b/ü"); n != 0 || err != nil {
		t.Errorf("Forget again: %d %v", n, err)
	}
	if list, err := List(); err != nil || len(list) != 2 {
		t.Errorf("List after Forget: %+v %v", list, err)
	}
	memoIn(t, dir, "b/u", 2, never[int](t))
}

func TestMemoWhereNothingCanBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o666))
	dir := filepath.Join(file, "memo") // below a file: refused even to root
	v, said, err := memoIn(t, dir, "m", 1, give(5))
	if v != 5 || err != nil || !strings.Contains(said, "not stored in "+dir) {
		t.Errorf("%d %q %v", v, said, err)
	}
}
