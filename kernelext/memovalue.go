// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bufio"
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

const gobFile = "value.gob"

// store writes *v into the directory and makes sure that reading it back gives the same value.
func store[T any](dir string, v *T) error {
	if s, ok := storable(reflect.ValueOf(v)); ok {
		return s.Save(dir)
	}
	if at := cycle(reflect.ValueOf(v), nil); at != "" {
		return fmt.Errorf("the value refers to itself: %s", at)
	}
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(boxed[T]{*v}); err != nil {
		return err
	}
	var back boxed[T]
	if err := gob.NewDecoder(bytes.NewReader(buf.Bytes())).Decode(&back); err != nil {
		return err
	}
	if at := difference(reflect.ValueOf(v).Elem(), reflect.ValueOf(&back.Value).Elem(), reflect.TypeFor[T]().String()); at != "" {
		return fmt.Errorf("encoding/gob loses part of the value: %s", at)
	}
	return os.WriteFile(filepath.Join(dir, gobFile), buf.Bytes(), 0o666)
}

// load reads what store has written. *v is left alone if that fails.
func load[T any](dir string, v *T) (err error) {
	var fresh T
	if s, ok := storable(reflect.ValueOf(&fresh)); ok {
		if err := s.Load(dir); err != nil {
			return err
		}
		*v = fresh
		return nil
	}
	f, err := os.Open(filepath.Join(dir, gobFile))
	if err != nil {
		return err
	}
	defer f.Close()
	var b boxed[T]
	if err := gob.NewDecoder(bufio.NewReader(f)).Decode(&b); err != nil {
		return err
	}
	*v = b.Value
	return nil
}

// boxed lets gob take any value: at its top level it knows neither nil nor an interface.
type boxed[T any] struct{ Value T }

// storable returns the Storable behind a pointer to a T: the pointer itself, or the pointer that T is. The latter is
// made if it is nil, which is how load starts.
func storable(p reflect.Value) (Storable, bool) {
	if s, ok := p.Interface().(Storable); ok {
		return s, true
	}
	v := p.Elem()
	if v.Kind() != reflect.Pointer || !v.Type().Implements(reflect.TypeFor[Storable]()) {
		return nil, false
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Interface().(Storable), true
}

// encodesItself tells whether gob leaves the encoding to the type's own methods.
func encodesItself(t reflect.Type) bool {
	for _, i := range []reflect.Type{reflect.TypeFor[gob.GobEncoder](), reflect.TypeFor[encoding.BinaryMarshaler]()} {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}

// unstorable looks for a part of the type that gob would drop or refuse. It is called before the value is computed.
func unstorable(t reflect.Type) *UnstorableError {
	s := reflect.TypeFor[Storable]()
	if t.Implements(s) || reflect.PointerTo(t).Implements(s) {
		return nil
	}
	return unstorablePart(t, "", map[reflect.Type]bool{})
}

func unstorablePart(t reflect.Type, path string, seen map[reflect.Type]bool) *UnstorableError {
	if seen[t] || encodesItself(t) {
		return nil
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return &UnstorableError{Field: path, Reason: fmt.Sprintf("is a %v; keep what it is made from instead", t.Kind())}
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return &UnstorableError{Field: path, Reason: fmt.Sprintf("is an interface (%v), which does not say what to "+
				"make when reading back; use the concrete type", t)}
		}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return unstorablePart(t.Elem(), path, seen)
	case reflect.Map:
		if fault := unstorablePart(t.Key(), path, seen); fault != nil {
			return fault
		}
		return unstorablePart(t.Elem(), path, seen)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			at := joinPath(path, f.Name)
			if !f.IsExported() {
				return &UnstorableError{Field: at, Reason: "is not exported, so it would be lost; " +
					"export it, return the parts that matter, or give the type Save(dir) and Load(dir)"}
			}
			if fault := unstorablePart(f.Type, at, seen); fault != nil {
				return fault
			}
		}
	}
	return nil
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// hiddenConfig looks for a part of a config that JSON leaves out silently: two configs that differ only there would
// share an entry.
func hiddenConfig(v reflect.Value, path string) *UnstorableError {
	if !v.IsValid() || marshalsItself(v.Type()) {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return hiddenConfig(v.Elem(), path)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if isPlain(v.Type().Elem().Kind()) {
				break
			}
			if fault := hiddenConfig(v.Index(i), fmt.Sprintf("%s[%d]", path, i)); fault != nil {
				return fault
			}
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			if fault := hiddenConfig(v.MapIndex(k), fmt.Sprintf("%s[%v]", path, k)); fault != nil {
				return fault
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			at := joinPath(path, f.Name)
			if !f.IsExported() && !f.Anonymous {
				return &UnstorableError{Field: at, Reason: "is not exported, so a change of it would go unnoticed; " +
					"export it, or give only what matters (for a data set, its Sum)"}
			}
			if f.Tag.Get("json") == "-" {
				continue // left out on purpose
			}
			if fault := hiddenConfig(v.Field(i), at); fault != nil {
				return fault
			}
		}
	}
	return nil
}

func isPlain(k reflect.Kind) bool { return k <= reflect.Complex128 || k == reflect.String }

func marshalsItself(t reflect.Type) bool {
	for _, i := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()} {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}

// signature describes the structure of a type, so that an entry written for another structure is recognised.
func signature(t reflect.Type) string {
	var b strings.Builder
	writeSignature(&b, t, map[reflect.Type]bool{})
	return b.String()
}

func writeSignature(b *strings.Builder, t reflect.Type, seen map[reflect.Type]bool) {
	if t.Name() != "" {
		b.WriteString(t.String())
		if seen[t] || t.PkgPath() == "" || encodesItself(t) {
			return
		}
		seen[t] = true
	}
	switch t.Kind() {
	case reflect.Pointer:
		b.WriteString("*")
		writeSignature(b, t.Elem(), seen)
	case reflect.Slice:
		b.WriteString("[]")
		writeSignature(b, t.Elem(), seen)
	case reflect.Array:
		fmt.Fprintf(b, "[%d]", t.Len())
		writeSignature(b, t.Elem(), seen)
	case reflect.Map:
		b.WriteString("map[")
		writeSignature(b, t.Key(), seen)
		b.WriteString("]")
		writeSignature(b, t.Elem(), seen)
	case reflect.Struct:
		b.WriteString("{")
		for i := range t.NumField() {
			if i > 0 {
				b.WriteString("; ")
			}
			b.WriteString(t.Field(i).Name + " ")
			writeSignature(b, t.Field(i).Type, seen)
		}
		b.WriteString("}")
	default:
		if t.Name() == "" || t.Kind().String() != t.Name() {
			b.WriteString(" " + t.Kind().String())
		}
	}
}

// cycle finds a value that contains itself, on which gob would recurse for ever.
func cycle(v reflect.Value, path []uintptr) string {
	if !v.IsValid() || v.Kind() != reflect.Interface && encodesItself(v.Type()) {
		return ""
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() || v.Kind() == reflect.Slice && (v.Len() == 0 || isPlain(v.Type().Elem().Kind())) {
			return ""
		}
		for _, p := range path {
			if p == v.Pointer() && v.Kind() != reflect.Slice {
				return v.Type().String()
			}
		}
		path = append(path, v.Pointer())
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return cycle(v.Elem(), path)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if at := cycle(v.Index(i), path); at != "" {
				return at
			}
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			if at := cycle(v.MapIndex(k), path); at != "" {
				return at
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if at := cycle(v.Field(i), path); at != "" {
				return at
			}
		}
	}
	return ""
}

// difference returns where a and b differ, "" if nowhere. NaN equals NaN, and an empty slice or map a nil one, which
// is what gob makes of it.
func difference(a, b reflect.Value, path string) string {
	isNil := a.Kind() == reflect.Pointer && (a.IsNil() || b.IsNil())
	if a.Kind() != reflect.Interface && !isNil && encodesItself(a.Type()) {
		if !sameEncoding(a, b) {
			return path
		}
		return ""
	}
	switch a.Kind() {
	case reflect.Float32, reflect.Float64:
		if a.Float() != b.Float() && !(math.IsNaN(a.Float()) && math.IsNaN(b.Float())) {
			return path
		}
	case reflect.Complex64, reflect.Complex128:
		x, y := a.Complex(), b.Complex()
		same := func(p, q float64) bool { return p == q || math.IsNaN(p) && math.IsNaN(q) }
		if !same(real(x), real(y)) || !same(imag(x), imag(y)) {
			return path
		}
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				return path + " (a pointer to a zero value becomes nil)"
			}
			return ""
		}
		if a.Elem().Type() != b.Elem().Type() {
			return path
		}
		return difference(a.Elem(), b.Elem(), path)
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return path
		}
		for i := range a.Len() {
			if at := difference(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", path, i)); at != "" {
				return at
			}
		}
	case reflect.Map:
		if a.Len() != b.Len() {
			return path
		}
		for _, k := range a.MapKeys() {
			other := b.MapIndex(k)
			if !other.IsValid() {
				return fmt.Sprintf("%s[%v]", path, k)
			}
			if at := difference(a.MapIndex(k), other, fmt.Sprintf("%s[%v]", path, k)); at != "" {
				return at
			}
		}
	case reflect.Struct:
		if encodesItself(a.Type()) {
			return "" // the type decides what it is worth keeping: a parameter its value, not its gradient
		}
		for i := range a.NumField() {
			if at := difference(a.Field(i), b.Field(i), path+"."+a.Type().Field(i).Name); at != "" {
				return at
			}
		}
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		if a.IsNil() != b.IsNil() {
			return path
		}
	default:
		if !a.Equal(b) {
			return path
		}
	}
	return ""
}

// sameEncoding compares two values of a type that encodes itself. Such a type decides what of it is worth keeping: the
// clock reading of a time.Time, the gradient of a parameter are not.
func sameEncoding(a, b reflect.Value) bool {
	x, err1 := ownEncoding(a)
	y, err2 := ownEncoding(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

func ownEncoding(v reflect.Value) ([]byte, error) {
	if v.Kind() != reflect.Pointer {
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		v = p
	}
	switch m := v.Interface().(type) {
	case gob.GobEncoder:
		return m.GobEncode()
	case encoding.BinaryMarshaler:
		return m.MarshalBinary()
	}
	panic("kernelext: " + v.Type().String() + " does not encode itself")
}
