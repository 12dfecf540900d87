// SPDX-License-Identifier: Apache-2.0

// Package snapshot turns Go values into bytes and back, exactly: what is read back differs in nothing from what was
// written. NaN and -0, nil and empty slices and maps stay apart; pointers, slices and maps that were shared are shared
// again, in cycles too.
//
// (encoding/gob forgets all of these: tied weights come apart, an empty slice and a pointer to 0 become nil, and a
// cycle never ends.)
//
// A type whose values cannot be restored in full is refused by [Describe], before anybody computes one:
//
//   - channels, functions, unsafe pointers, and interfaces, which do not say what to make;
//   - structs with unexported fields, and maps whose keys hold pointers.
//
// A type with MarshalBinary and UnmarshalBinary, or GobEncode and GobDecode, encodes itself, and decides what it keeps:
// a time.Time its instant and offset, a parameter its value and not its gradient. Promoted methods do not count: a
// struct that embeds such a type is written field by field.
//
// Not kept: the capacity of slices. Refused when written: slices and pointers that overlap in memory without being the
// same, such as a pointer to an element of a slice.
package snapshot

import (
	"encoding"
	"encoding/gob"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// maxDepth bounds how deeply values are nested, before the stack runs out.
const maxDepth = 100_000

// A TypeError says which part of a type cannot be restored.
type TypeError struct {
	Field  string // path of the part, "" for the whole
	Reason string // why, and what to do instead
}

func (e *TypeError) Error() string { return strings.TrimSpace(e.Field + " " + e.Reason) }

// Describe returns the structure of a type as text: Decode reads what was written for the same structure only. The
// error is a [*TypeError] if values of the type cannot be restored.
func Describe(t reflect.Type) (string, error) {
	d := describer{seen: map[reflect.Type]bool{}}
	d.describe(t, "")
	if d.fault != nil {
		return "", d.fault
	}
	return d.text.String(), nil
}

// A describer walks a type.
type describer struct {
	text  strings.Builder
	seen  map[reflect.Type]bool // named types are described once
	fault *TypeError            // the first
}

func (d *describer) refuse(path, format string, args ...any) {
	if d.fault == nil {
		d.fault = &TypeError{path, fmt.Sprintf(format, args...)}
	}
}

func (d *describer) describe(t reflect.Type, path string) {
	if t.Name() != "" {
		d.text.WriteString(t.String())
		if d.seen[t] || encodesItself(t) {
			return
		}
		d.seen[t] = true
	}
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		d.refuse(path, "is a %v; keep what it is made from instead", t.Kind())
	case reflect.Interface:
		d.refuse(path, "is an interface (%v), which does not say what to make when reading back; use the concrete type", t)
	case reflect.Pointer:
		d.text.WriteString("*")
		d.describe(t.Elem(), path)
	case reflect.Slice:
		d.text.WriteString("[]")
		d.describe(t.Elem(), path)
	case reflect.Array:
		fmt.Fprintf(&d.text, "[%d]", t.Len())
		d.describe(t.Elem(), path)
	case reflect.Map:
		if holdsPointers(t.Key()) {
			d.refuse(path, "is a map whose keys hold pointers, which say nothing when read back; use other keys")
			return
		}
		d.text.WriteString("map[")
		d.describe(t.Key(), path)
		d.text.WriteString("]")
		d.describe(t.Elem(), path)
	case reflect.Struct:
		d.describeStruct(t, path)
	default:
		if kind := t.Kind().String(); t.Name() != kind {
			d.text.WriteString(" " + kind)
		}
	}
}

func (d *describer) describeStruct(t reflect.Type, path string) {
	d.text.WriteString("{")
	for i := range t.NumField() {
		f := t.Field(i)
		at := strings.TrimPrefix(path+"."+f.Name, ".")
		// The exported fields of an embedded struct can be set, whatever its own name.
		if embeds := f.Anonymous && f.Type.Kind() == reflect.Struct && !encodesItself(f.Type); !f.IsExported() && !embeds {
			d.refuse(at, "is not exported, so it would be lost; "+
				"export it, return the parts that matter, or give the type Save(dir) and Load(dir)")
		}
		if i > 0 {
			d.text.WriteString("; ")
		}
		d.text.WriteString(f.Name + " ")
		d.describe(f.Type, at)
	}
	d.text.WriteString("}")
}

// holdsPointers reports whether a map key may hold a pointer.
func holdsPointers(t reflect.Type) bool {
	switch {
	case encodesItself(t):
		return false
	case t.Kind() == reflect.Array:
		return holdsPointers(t.Elem())
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if holdsPointers(t.Field(i).Type) {
				return true
			}
		}
	}
	return t.Kind() == reflect.Pointer || t.Kind() == reflect.Chan || t.Kind() == reflect.Interface
}

// The two ways in which a type encodes itself. One that has both uses the first.
type (
	binaryCoder interface {
		encoding.BinaryMarshaler
		encoding.BinaryUnmarshaler
	}
	gobCoder interface {
		gob.GobEncoder
		gob.GobDecoder
	}
)

var (
	binaryMarshaler = reflect.TypeFor[encoding.BinaryMarshaler]()
	gobEncoder      = reflect.TypeFor[gob.GobEncoder]()
)

// own remembers which types encode themselves: asking takes longer than encoding a number.
var own sync.Map // of bool, by reflect.Type

// encodesItself reports whether a type, not a pointer, has methods of its own that write and read it.
func encodesItself(t reflect.Type) bool {
	if t.PkgPath() == "" || t.Kind() == reflect.Interface {
		return false // only named types have methods
	}
	if known, ok := own.Load(t); ok {
		return known.(bool)
	}
	p := reflect.PointerTo(t)
	itself := p.Implements(reflect.TypeFor[binaryCoder]()) || p.Implements(reflect.TypeFor[gobCoder]())
	itself = itself && !Promotes(t, func(p reflect.Type) bool {
		return p.Implements(binaryMarshaler) || p.Implements(gobEncoder)
	})
	own.Store(t, itself)
	return itself
}

// Promotes reports whether a struct embeds a type with methods, tested by has for pointers to that type. The methods
// may then be that type's, and know nothing of the struct's other fields.
func Promotes(t reflect.Type, has func(pointer reflect.Type) bool) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Kind() != reflect.Pointer && f.Type.Kind() != reflect.Interface {
			f.Type = reflect.PointerTo(f.Type)
		}
		if f.Anonymous && has(f.Type) {
			return true
		}
	}
	return false
}

// ownEncoding returns what a value that encodes itself writes.
func ownEncoding(v reflect.Value) ([]byte, error) {
	if !v.CanAddr() {
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		v = p.Elem()
	}
	switch m := v.Addr().Interface().(type) {
	case binaryCoder:
		return m.MarshalBinary()
	case gobCoder:
		return m.GobEncode()
	}
	panic("snapshot: " + v.Type().String() + " does not encode itself")
}

// ownDecoding reads it back into v.
func ownDecoding(v reflect.Value, text []byte) error {
	switch m := v.Addr().Interface().(type) {
	case binaryCoder:
		return m.UnmarshalBinary(text)
	case gobCoder:
		return m.GobDecode(text)
	}
	panic("snapshot: " + v.Type().String() + " does not encode itself")
}

// isFixed reports whether values of a kind have the same number of bytes everywhere.
func isFixed(k reflect.Kind) bool {
	switch k {
	case reflect.Int, reflect.Uint, reflect.Uintptr:
		return false
	}
	return k >= reflect.Bool && k <= reflect.Complex128
}
