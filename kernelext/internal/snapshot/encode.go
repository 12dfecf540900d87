// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// Encode returns the bytes of a value, the same for the same value. Its type must be one that [Describe] accepts.
func Encode[T any](v *T) ([]byte, error) {
	e := encoder{refs: map[reference]uint64{}}
	e.value(reflect.ValueOf(v).Elem(), 0)
	if e.err == nil {
		e.err = e.overlap()
	}
	return e.b, e.err
}

// An encoder appends values to b until the first error.
//
// Numbers are written as their bytes, low ones first, int and uint as eight; strings and whatever encodes itself have a
// length before them. A pointer, slice or map starts with a number: 0 if it is nil, 1 if its content follows, n+2 if it
// is the same as number n, counted from 0.
type encoder struct {
	b    []byte
	refs map[reference]uint64
	err  error
}

// A reference is memory that a pointer, slice or map refers to.
type reference struct {
	addr uintptr
	len  int
	t    reflect.Type
}

func (e *encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("snapshot: "+format, args...)
	}
}

func (e *encoder) number(n uint64) { e.b = binary.AppendUvarint(e.b, n) }

func (e *encoder) text(s []byte) {
	e.number(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) value(v reflect.Value, depth int) {
	t := v.Type()
	switch {
	case e.err != nil:
		return
	case depth > maxDepth:
		e.fail("the value is nested more than %d levels deep", maxDepth)
		return
	case encodesItself(t):
		text, err := ownEncoding(v)
		if err != nil {
			e.fail("%v: %w", t, err)
		}
		e.text(text)
		return
	}
	switch k := t.Kind(); {
	case isFixed(k):
		e.fixed(v)
	case k == reflect.Int:
		e.b = binary.LittleEndian.AppendUint64(e.b, uint64(v.Int()))
	case k == reflect.Uint, k == reflect.Uintptr:
		e.b = binary.LittleEndian.AppendUint64(e.b, v.Uint())
	case k == reflect.String:
		e.text([]byte(v.String()))
	case k == reflect.Array:
		e.elements(v, depth)
	case k == reflect.Struct:
		for i := range v.NumField() {
			e.value(v.Field(i), depth+1)
		}
	case k == reflect.Pointer:
		if e.isNew(v, 1) {
			e.value(v.Elem(), depth+1)
		}
	case k == reflect.Slice:
		if e.isNew(v, v.Len()) {
			e.number(uint64(v.Len()))
			e.elements(v, depth)
		}
	case k == reflect.Map:
		if e.isNew(v, -1) {
			e.entries(v, depth)
		}
	default:
		e.fail("a value of type %v cannot be restored", t)
	}
}

// fixed appends numbers that have the same size everywhere, one or an array or slice of them.
func (e *encoder) fixed(v reflect.Value) {
	var err error
	if e.b, err = binary.Append(e.b, binary.LittleEndian, v.Interface()); err != nil {
		e.fail("%w", err)
	}
}

// elements appends what an array or a slice holds.
func (e *encoder) elements(v reflect.Value, depth int) {
	switch elem := v.Type().Elem(); {
	case elem.Size() == 0: // nothing to tell apart
	case isFixed(elem.Kind()) && !encodesItself(elem):
		e.fixed(v)
	default:
		for i := range v.Len() {
			e.value(v.Index(i), depth+1)
		}
	}
}

// entries appends what a map holds, sorted by the bytes of the keys.
func (e *encoder) entries(v reflect.Value, depth int) {
	type entry struct {
		key   []byte
		value reflect.Value
	}
	var entries []entry
	for it := v.MapRange(); it.Next(); {
		key := encoder{}
		key.value(it.Key(), depth+1)
		if key.err != nil {
			e.fail("a key of a map: %w", key.err)
			return
		}
		entries = append(entries, entry{key.b, it.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	e.number(uint64(len(entries)))
	for i, entry := range entries {
		if i > 0 && bytes.Equal(entry.key, entries[i-1].key) { // NaN twice, or keys that a type encodes alike
			e.fail("a %v has two keys that look the same when written", v.Type())
			return
		}
		e.b = append(e.b, entry.key...)
		e.value(entry.value, depth+1)
	}
}

// isNew appends the number of a pointer, slice or map and reports whether its content has to follow.
func (e *encoder) isNew(v reflect.Value, n int) bool {
	if v.IsNil() {
		e.number(0)
		return false
	}
	ref := reference{v.Pointer(), n, v.Type()}
	if n == 0 || n > 0 && v.Type().Elem().Size() == 0 { // holds nothing, so it is shared with nothing
		ref.addr, ref.len = 0, -2-len(e.refs)
	}
	if i, seen := e.refs[ref]; seen {
		e.number(2 + i)
		return false
	}
	e.refs[ref] = uint64(len(e.refs))
	e.number(1)
	return true
}

// overlap finds references to parts of the same memory, which would not be shared when read back.
func (e *encoder) overlap() error {
	type span struct {
		from, to uintptr
		t        reflect.Type
	}
	var spans []span
	for ref := range e.refs {
		if ref.len > 0 {
			spans = append(spans, span{ref.addr, ref.addr + uintptr(ref.len)*ref.t.Elem().Size(), ref.t})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for i := 1; i < len(spans); i++ {
		if a, b := spans[i-1], spans[i]; b.from < a.to {
			return errors.New("snapshot: the value holds a " + a.t.String() + " and a " + b.t.String() +
				" that share a part of their memory, which cannot be restored: copy one of them")
		}
	}
	return nil
}
