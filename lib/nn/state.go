// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// State is everything in a model that training changes, with names, in the order of the fields.
type State struct {
	Params  []*autograd.Var // each with its Name set
	Buffers []tensor.Named  // running averages and other tensors that are not trained
	Streams []Stream        // random streams, such as those of dropout

	wired  []wiredLayer // sparse layers
	layers []namedLayer // layers whose parameters have other names in PyTorch
}

// A namedLayer is a layer with its name in the model.
type namedLayer struct {
	name  string
	layer any
}

// A Stream is a random stream with the name of its field.
type Stream struct {
	Name string
	RNG  *tensor.RNG
}

// Params returns the parameters of a model; see [StateOf].
func Params(model any) []*autograd.Var { return StateOf(model).Params }

// StateOf walks the exported fields of model, which is a struct or slice or a pointer to one, and returns the
// parameters (*autograd.Var), buffers (*tensor.Tensor) and streams (*tensor.RNG) in it. As in PyTorch, a name consists
// of field names, with a lower-case first letter, and positions in slices, joined by dots. A parameter that is reached
// twice is shared and has the name of the first place. StateOf sets the Name of each parameter to its name in this
// model; a parameter that is part of several models has its name in the one that StateOf walked last.
//
// It panics if the model has no parameters, or if an unexported field holds parameters or a sparse layer is a copy
// instead of part of the model, because these could not be restored.
func StateOf(model any) State {
	w := walker{seen: map[any]bool{}}
	w.walk(reflect.ValueOf(model), nil)
	if len(w.state.Params) == 0 {
		panic(fmt.Sprintf("nn: no parameters in %T: layers must be in exported fields", model))
	}
	return w.state
}

type walker struct {
	state State
	seen  map[any]bool
}

func (w *walker) walk(v reflect.Value, path []string) {
	switch v.Kind() {
	case reflect.Interface:
		w.walk(v.Elem(), path)
	case reflect.Pointer:
		if v.IsNil() || w.visited(v) {
			return
		}
		if !w.take(v.Interface(), strings.Join(path, ".")) {
			w.walk(v.Elem(), path)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			w.walk(v.Index(i), append(path, strconv.Itoa(i)))
		}
	case reflect.Struct:
		if reflect.PointerTo(v.Type()).Implements(reflect.TypeFor[wired]()) {
			if !v.CanAddr() {
				panic(fmt.Sprintf("nn: a copy of a %s, whose connections could not be restored: pass a pointer", v.Type()))
			}
			w.state.wired = append(w.state.wired, wiredLayer{strings.Join(path, "."), v.Addr().Interface().(wired)})
		}
		if v.CanAddr() {
			switch l := v.Addr().Interface().(type) {
			case *Norm, *LSTM, *RNN:
				w.state.layers = append(w.state.layers, namedLayer{strings.Join(path, "."), l})
			}
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				if holdsParams(f.Type) {
					panic(fmt.Sprintf("nn: field %s of %s holds parameters but is not exported: start it with a capital letter",
						f.Name, v.Type()))
				}
				continue
			}
			w.walk(v.Field(i), append(path, lowerFirst(f.Name)))
		}
	}
}

func (w *walker) visited(v reflect.Value) bool {
	type object struct {
		address uintptr
		kind    reflect.Type // needed because a struct and its first field have the same address
	}
	key := object{v.Pointer(), v.Type()}
	if w.seen[key] {
		return true
	}
	w.seen[key] = true
	return false
}

// take records x if it is itself state, not a container of state.
func (w *walker) take(x any, name string) bool {
	switch x := x.(type) {
	case *autograd.Var:
		if x.Name != name { // models that share parameters may be walked at once if their names agree
			x.Name = name
		}
		w.state.Params = append(w.state.Params, x)
	case *tensor.Tensor:
		w.state.Buffers = append(w.state.Buffers, tensor.Named{Name: name, Tensor: x})
	case *tensor.RNG:
		w.state.Streams = append(w.state.Streams, Stream{name, x})
	default:
		return false
	}
	return true
}

// holdsParams reports whether a field of this type is a parameter or a layer, directly or in a slice.
func holdsParams(t reflect.Type) bool {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	if t == reflect.TypeFor[*autograd.Var]() {
		return true
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[autograd.Var]() {
		return false
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Type == reflect.TypeFor[*autograd.Var]() {
			return true
		}
	}
	return false
}

func lowerFirst(s string) string {
	if s == strings.ToUpper(s) { // an abbreviation
		return strings.ToLower(s)
	}
	r := []rune(s)
	r[0] = unicode.ToLower(r[0])
	return string(r)
}
