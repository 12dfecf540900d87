// SPDX-License-Identifier: Apache-2.0

package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/snapshot"
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// again writes a value and reads it back.
func again[T any](t *testing.T, v T) T {
	t.Helper()
	if _, err := snapshot.Describe(reflect.TypeFor[T]()); err != nil {
		t.Fatalf("%T: %v", v, err)
	}
	text, err := snapshot.Encode(&v)
	if err != nil {
		t.Fatalf("%T: %v", v, err)
	}
	back, err := snapshot.Decode[T](text)
	if err != nil {
		t.Fatalf("%T: %v", v, err)
	}
	if second, err := snapshot.Encode(&back); err != nil || !bytes.Equal(second, text) {
		t.Errorf("%T read back is written in another way: %v", v, err)
	}
	return back
}

// same fails unless a value comes back deeply equal, where nil and empty differ.
func same[T any](t *testing.T, v T) {
	t.Helper()
	if back := again(t, v); !reflect.DeepEqual(back, v) {
		t.Errorf("%#v comes back as %#v", v, back)
	}
}

type celsius float32

type numbers struct {
	A bool
	B int8
	C uint16
	D int32
	E uint64
	F celsius
	G complex64
	H int
	I uint
	J uintptr
	K string
	L [3]celsius
	M []celsius
	N [2][]int
	O struct{}
	P [0]string
}

type embedded struct{ Shown int }

type embeds struct {
	embedded
	*numbers2
	Named
}

type numbers2 = numbers

type Named struct{ X, Y float64 }

func TestKindsOfValues(t *testing.T) {
	zero, text := 0, "text"
	same(t, numbers{true, -8, 16, -32, 1 << 63, -273.15, 1 + 2i, math.MinInt, math.MaxUint, 7, "k\x00\xff",
		[3]celsius{1, 2, 3}, []celsius{4}, [2][]int{nil, {}}, struct{}{}, [0]string{}})
	same(t, numbers{})
	same(t, []int{})
	same(t, []int(nil))
	same(t, map[string]int{})
	same(t, map[string]int(nil))
	same(t, map[string][]float64{"a": {1}, "b": {}, "c": nil})
	same(t, map[[2]int8]struct{}{{1, 2}: {}})
	same(t, map[Named]Named{{1, 2}: {3, 4}})
	same(t, []struct{}{{}, {}})
	same(t, [][]float64{{1}, {2, 3}, nil, {}})
	same(t, []string{"", "a", strings.Repeat("b", 300)})
	same(t, &zero)
	same(t, &text)
	same(t, (*int)(nil))
	same(t, []*int{&zero, nil})
	same(t, [][3]bool{{true, false, true}})
	same(t, struct{ Named }{Named{1, 2}})
	same(t, netip.MustParseAddr("10.0.0.1"))
	same(t, writesTwice{"kept"})
	same(t, big.NewInt(-1<<40))
	same(t, []time.Duration{time.Hour})
	same(t, []byte{0, 255})
	same(t, tensor.From([]float32{1, 2, 3, 4, 5, 6}, 2, 3))
	same(t, tensor.Stream(3, "numbers"))
	rows := make([][]float64, 3)
	flat := make([]float64, 6)
	for i := range rows {
		rows[i] = flat[2*i : 2*i+2] // side by side, not on top of each other
	}
	same(t, rows)
}

func TestNumbersAreKeptToTheBit(t *testing.T) {
	nan := math.Float64frombits(0x7ff8_0000_0000_1234)
	v := []float64{nan, math.Copysign(0, -1), math.Inf(-1), math.SmallestNonzeroFloat64}
	for i, f := range again(t, v) {
		if math.Float64bits(f) != math.Float64bits(v[i]) {
			t.Errorf("%x comes back as %x", math.Float64bits(v[i]), math.Float64bits(f))
		}
	}
	if m := again(t, map[float64]string{nan: "nan", 1: "one"}); len(m) != 2 || m[1] != "one" {
		t.Errorf("a map with the key NaN: %v", m)
	}
}

func TestTimesKeepInstantAndOffset(t *testing.T) {
	v := time.Now().In(time.FixedZone("here", 3600))
	if back := again(t, v); !back.Equal(v) || back.Format(time.RFC3339Nano) != v.Format(time.RFC3339Nano) {
		t.Errorf("%v comes back as %v", v, back)
	}
}

// A struct that embeds a type with MarshalBinary has that method too, which knows nothing of its other fields.
func TestPromotedMethodsDoNotStandForTheWhole(t *testing.T) {
	type stamped struct {
		time.Time
		Note string
	}
	if back := again(t, stamped{time.Unix(7, 0), "note"}); back.Note != "note" || back.Unix() != 7 {
		t.Errorf("%+v", back)
	}
	type noted struct {
		*autograd.Var
		Note string
	}
	weight := autograd.NewParam(tensor.From([]float32{2}, 1))
	if back := again(t, noted{weight, "note"}); back.Note != "note" || back.Data()[0] != 2 {
		t.Errorf("%+v", back)
	}
}

func TestEmbeddedStructs(t *testing.T) {
	type outer struct {
		embedded
		Named
	}
	same(t, outer{embedded{1}, Named{2, 3}})
	refused(t, embeds{}, "numbers2 is not exported")
}

type node struct {
	Value int
	Next  *node
	Peers []*node
	Index map[string]*node
}

func TestSharing(t *testing.T) {
	shared := &Named{1, 2}
	list, index := []float64{1, 2}, map[string]int{"a": 1}
	type pairs struct {
		A, B, C *Named
		D, E, F []float64
		G, H    map[string]int
	}
	p := again(t, &pairs{shared, shared, &Named{1, 2}, list, list, []float64{1, 2}, index, index})
	if p.A != p.B || p.A == p.C || &p.D[0] != &p.E[0] || &p.D[0] == &p.F[0] {
		t.Errorf("what was shared or apart is not as it was: %+v", p)
	}
	if p.G["b"] = 2; p.H["b"] != 2 {
		t.Error("a map in two fields has become two maps")
	}

	type tied struct{ A, B *nn.Dense }
	layer := nn.NewDense(4, 4, nil, tensor.Stream(1, "w"))
	if n := again(t, tied{layer, layer}); n.A != n.B || len(nn.Params(&n)) != 2 {
		t.Error("tied layers have come apart")
	}
	n := again(t, tied{layer, &nn.Dense{Weight: layer.Weight}})
	if n.A == n.B || n.A.Weight != n.B.Weight || n.B.Bias != nil {
		t.Error("tied weights have come apart")
	}
}

func TestCycles(t *testing.T) {
	a, b := &node{Value: 1}, &node{Value: 2}
	a.Next, b.Next = b, a
	a.Peers, a.Index = []*node{a, b}, map[string]*node{"b": b}
	n := again(t, a)
	if n.Next.Next != n || n.Peers[0] != n || n.Index["b"] != n.Next || n.Next.Value != 2 {
		t.Errorf("%+v", n)
	}
	type loop []loop
	l := make(loop, 1)
	l[0] = l
	if m := again(t, l); &m[0] != &m[0][0] {
		t.Error("a slice that holds itself has changed")
	}
	type tree map[string]tree
	m := tree{}
	m["self"] = m
	if n := again(t, m); len(n["self"]["self"]) != 1 {
		t.Error("a map that holds itself has changed")
	}
	type pointer *pointer
	p := new(pointer)
	*p = p
	if q := again(t, pointer(p)); *q != q {
		t.Error("a pointer to itself has changed")
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	values := []float64{1, 2, 3}
	var long *node
	for range 150_000 {
		long = &node{Next: long}
	}
	tape := autograd.NewTape(1)
	for want, encode := range map[string]func() error{
		"share a part of their memory": func() error {
			_, err := snapshot.Encode(&struct {
				A []float64
				B *float64
			}{values, &values[1]})
			return err
		},
		"[]float64 and a []float64 that share a part": func() error {
			_, err := snapshot.Encode(&[][]float64{values, values[1:]})
			return err
		},
		"levels deep": func() error { _, err := snapshot.Encode(&long); return err },
		"only parameters can": func() error {
			v := tape.Input(tensor.New(1))
			_, err := snapshot.Encode(&v)
			return err
		},
		"two keys that look": func() error {
			_, err := snapshot.Encode(&map[float64]int{math.NaN(): 1, math.NaN(): 2})
			return err
		},
		"cannot be restored":       func() error { f := func() {}; _, err := snapshot.Encode(&f); return err },
		"type interface {} cannot": func() error { _, err := snapshot.Encode(new(any)); return err },
		"a key of a map: snap":     func() error { _, err := snapshot.Encode(&map[any]int{1: 1}); return err },
	} {
		if err := encode(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func refused[T any](t *testing.T, _ T, want string) {
	t.Helper()
	_, err := snapshot.Describe(reflect.TypeFor[T]())
	var fault *snapshot.TypeError
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v: %v, want %q", reflect.TypeFor[T](), err, want)
	}
}

type hidden struct{ Shown, part int }

func TestTypesThatCannotBeRestored(t *testing.T) {
	_, _ = hidden{}.part, onlyWrites{}.part
	refused(t, hidden{}, "part is not exported")
	refused(t, struct{ In []hidden }{}, "In.part is not exported")
	refused(t, map[string]*hidden{}, "part is not exported")
	refused(t, struct{ *embedded }{}, "embedded is not exported")
	refused(t, struct{ hiddenTime }{}, "hiddenTime is not exported")
	refused(t, struct{ F func() }{}, "F is a func")
	refused(t, make(chan int), "is a chan")
	refused(t, struct{ V any }{}, "V is an interface (interface {})")
	refused(t, struct{ Layers []fmt.Stringer }{}, "Layers is an interface (fmt.Stringer)")
	refused(t, []error{}, "is an interface (error)")
	refused(t, map[*int]int{}, "keys hold pointers")
	refused(t, map[[1]any]int{}, "keys hold pointers")
	refused(t, bytes.Buffer{}, "buf is not exported")
	refused(t, onlyWrites{}, "part is not exported")
}

// hiddenTime encodes itself, but embedded it cannot be reached.
type hiddenTime struct{ t time.Time }

func (h hiddenTime) MarshalBinary() ([]byte, error)     { return h.t.MarshalBinary() }
func (h *hiddenTime) UnmarshalBinary(text []byte) error { return h.t.UnmarshalBinary(text) }

// onlyWrites can be written and not read.
type onlyWrites struct{ part int }

func (o onlyWrites) MarshalBinary() ([]byte, error) { return nil, nil }

// writesTwice is read back in one of the two ways in which it is written.
type writesTwice struct{ text string }

func (w writesTwice) MarshalBinary() ([]byte, error) { return []byte("for others"), nil }
func (w writesTwice) GobEncode() ([]byte, error)     { return []byte(w.text), nil }
func (w *writesTwice) GobDecode(b []byte) error      { w.text = string(b); return nil }

func TestDescribe(t *testing.T) {
	type run struct {
		A    int
		B    []map[string]*node
		C, D [2]celsius
		E    time.Time
	}
	got, err := snapshot.Describe(reflect.TypeFor[*run]())
	want := "*snapshot_test.run{A int; B []map[string]*snapshot_test.node{Value int; Next *snapshot_test.node; " +
		"Peers []*snapshot_test.node; Index map[string]*snapshot_test.node}; " +
		"C [2]snapshot_test.celsius float32; D [2]snapshot_test.celsius; E time.Time}"
	if err != nil || got != want {
		t.Errorf("%s, %v\nwant %s", got, err, want)
	}
}

type mixture struct {
	N  numbers
	L  *node
	T  time.Time
	W  *autograd.Var
	M  map[string][]float32
	P  map[[2]int16]*Named
	Zs []struct{}
	S  [][]string
	Pt []**int
}

// Whatever the bytes are, Decode ends in an error or in a value that can be written again.
func FuzzDecode(f *testing.F) {
	n := &node{Value: 1}
	n.Next, n.Peers = n, []*node{n, nil}
	v := mixture{L: n, T: time.Unix(1, 0), W: autograd.NewParam(tensor.New(2)),
		M: map[string][]float32{"a": {1}, "b": nil},
		P: map[[2]int16]*Named{{1, 2}: {3, 4}}, Zs: make([]struct{}, 3), S: [][]string{{"x"}, {}}}
	for _, v := range []mixture{v, {}} {
		text, err := snapshot.Encode(&v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := snapshot.Decode[mixture](text)
		if err != nil {
			return
		}
		if text, err = snapshot.Encode(&v); err != nil {
			return // two keys NaN
		}
		if _, err := snapshot.Decode[mixture](text); err != nil {
			t.Errorf("what was written cannot be read: %v", err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	rows := make([]Named, 100_000)
	b.SetBytes(16 * int64(len(rows)))
	for b.Loop() {
		text, err := snapshot.Encode(&rows)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := snapshot.Decode[[]Named](text); err != nil {
			b.Fatal(err)
		}
	}
}
