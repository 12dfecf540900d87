// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
)

// Decode returns the value that Encode has written for the same type. Other bytes are an error, or another value.
func Decode[T any](b []byte) (v T, err error) {
	d := decoder{b: b}
	d.value(reflect.ValueOf(&v).Elem(), 0)
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes are left over", len(d.b))
	}
	if d.err != nil {
		return *new(T), d.err
	}
	return v, nil
}

// A decoder takes values from b until the first error.
type decoder struct {
	b    []byte
	refs []reflect.Value
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("snapshot: "+format, args...)
	}
}

var errShort = errors.New("snapshot: the bytes end too soon")

// take returns the next n bytes, nil if there are not so many.
func (d *decoder) take(n uint64) []byte {
	if d.err != nil || n > uint64(len(d.b)) {
		d.err = errors.Join(d.err, errShort)
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.take(math.MaxUint64)
		return 0
	}
	d.take(uint64(size))
	return n
}

func (d *decoder) value(v reflect.Value, depth int) {
	t := v.Type()
	switch {
	case d.err != nil:
		return
	case depth > maxDepth:
		d.fail("the value is nested more than %d levels deep", maxDepth)
		return
	case encodesItself(t):
		if text := d.take(d.number()); d.err == nil {
			if err := ownDecoding(v, text); err != nil {
				d.fail("%v: %w", t, err)
			}
		}
		return
	}
	switch k := t.Kind(); {
	case isFixed(k):
		d.fixed(v.Addr())
	case k == reflect.Int:
		if b := d.take(8); b != nil {
			n := int64(binary.LittleEndian.Uint64(b))
			if v.OverflowInt(n) {
				d.fail("%d is no %v on this machine", n, t)
			}
			v.SetInt(n)
		}
	case k == reflect.Uint, k == reflect.Uintptr:
		if b := d.take(8); b != nil {
			n := binary.LittleEndian.Uint64(b)
			if v.OverflowUint(n) {
				d.fail("%d is no %v on this machine", n, t)
			}
			v.SetUint(n)
		}
	case k == reflect.String:
		v.SetString(string(d.take(d.number())))
	case k == reflect.Array:
		d.elements(v, depth)
	case k == reflect.Struct:
		for i := range v.NumField() {
			d.value(v.Field(i), depth+1)
		}
	case k == reflect.Pointer:
		if d.isNew(v) {
			v.Set(reflect.New(t.Elem()))
			d.remember(v)
			d.value(v.Elem(), depth+1)
		}
	case k == reflect.Slice:
		if d.isNew(v) {
			d.slice(v, depth)
		}
	case k == reflect.Map:
		if d.isNew(v) {
			d.entries(v, depth)
		}
	default:
		d.fail("a value of type %v cannot be restored", t)
	}
}

// fixed reads numbers that have the same size everywhere into what p points to, or into a slice.
func (d *decoder) fixed(p reflect.Value) {
	n, err := binary.Decode(d.b, binary.LittleEndian, p.Interface())
	if err != nil {
		d.fail("%w", err)
		return
	}
	d.take(uint64(n))
}

func (d *decoder) slice(v reflect.Value, depth int) {
	n, elem := d.number(), v.Type().Elem()
	// Elements that take memory take a byte at least, so that damaged bytes cannot ask for more than a multiple.
	if n > math.MaxInt || elem.Size() > 0 && n > uint64(len(d.b)) {
		d.take(n)
		d.fail("a slice of %d elements", n)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
	d.remember(v)
	d.elements(v, depth)
}

// elements reads what an array or a slice holds.
func (d *decoder) elements(v reflect.Value, depth int) {
	switch elem := v.Type().Elem(); {
	case elem.Size() == 0:
	case isFixed(elem.Kind()) && !encodesItself(elem):
		if v.Kind() == reflect.Array {
			v = v.Addr()
		}
		d.fixed(v)
	default:
		for i := range v.Len() {
			d.value(v.Index(i), depth+1)
		}
	}
}

func (d *decoder) entries(v reflect.Value, depth int) {
	t, n := v.Type(), d.number()
	v.Set(reflect.MakeMap(t))
	d.remember(v)
	for range n {
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		d.value(key, depth+1)
		d.value(value, depth+1)
		if d.err != nil {
			return
		}
		if t.Key().Size() == 0 && n > 1 {
			d.fail("%d keys in a %v", n, t)
			return
		}
		v.SetMapIndex(key, value)
	}
}

// isNew reads the number of a pointer, slice or map, sets v if it is nil or came before, and reports whether its
// content follows.
func (d *decoder) isNew(v reflect.Value) bool {
	n := d.number()
	switch {
	case d.err != nil, n == 0:
		return false
	case n == 1:
		return true
	case n-2 >= uint64(len(d.refs)) || d.refs[n-2].Type() != v.Type():
		d.fail("a %v refers to one that is not there", v.Type())
		return false
	}
	v.Set(d.refs[n-2])
	return false
}

// remember keeps a new pointer, slice or map for those that will refer to it.
func (d *decoder) remember(v reflect.Value) {
	ref := reflect.New(v.Type()).Elem()
	ref.Set(v)
	d.refs = append(d.refs, ref)
}
