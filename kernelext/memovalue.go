// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/snapshot"
	"github.com/lateral-ml/lateral/lib/durable"
)

const snapshotFile = "value.snapshot"

// store writes *v into the directory and makes sure that reading it back gives the same value.
func store[T any](dir string, v *T) error {
	if p := reflect.ValueOf(v).Elem(); keepsItself(p.Type()) && p.Kind() == reflect.Pointer && p.IsNil() {
		return errors.New("the value is nil, which Save cannot keep")
	}
	if s, ok := storable(v); ok {
		return s.Save(dir)
	}
	text, err := snapshot.Encode(v)
	if err != nil {
		return err
	}
	back, err := snapshot.Decode[T](text)
	if err != nil {
		return err
	}
	if again, err := snapshot.Encode(&back); err != nil || !bytes.Equal(again, text) {
		return errors.Join(errors.New("read back, it is another value: a type that encodes itself loses a part"), err)
	}
	return durable.WriteFile(filepath.Join(dir, snapshotFile), text)
}

// load reads what store has written. *v is left alone if that fails.
func load[T any](dir string, v *T) error {
	var fresh T
	if s, ok := storable(&fresh); ok {
		if err := s.Load(dir); err != nil {
			return err
		}
		*v = fresh
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, snapshotFile))
	if err != nil {
		return err
	}
	fresh, err = snapshot.Decode[T](text)
	if err == nil {
		*v = fresh
	}
	return err
}

// storable returns the Storable behind a pointer to a T: the pointer itself, or the pointer that T is. The latter is
// made if it is nil, which is how load starts.
func storable[T any](v *T) (Storable, bool) {
	t := reflect.TypeFor[T]()
	if !keepsItself(t) {
		return nil, false
	}
	if s, ok := any(v).(Storable); ok {
		return s, true
	}
	p := reflect.ValueOf(v).Elem()
	if p.IsNil() {
		p.Set(reflect.New(t.Elem()))
	}
	return p.Interface().(Storable), true
}

// keepsItself reports whether a type, or what it points to, is a Storable, by methods of its own: those of an embedded
// field would keep that field alone.
func keepsItself(t reflect.Type) bool {
	isStorable := func(p reflect.Type) bool { return p.Implements(reflect.TypeFor[Storable]()) }
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return isStorable(reflect.PointerTo(t)) && !snapshot.Promotes(t, isStorable)
}

// structure describes a type, so that an entry written for another structure is recognised. It is called before the
// value is computed, and refuses a type that could not be restored.
func structure(t reflect.Type) (string, *UnstorableError) {
	if keepsItself(t) {
		return t.String(), nil
	}
	text, err := snapshot.Describe(t)
	var fault *snapshot.TypeError
	if errors.As(err, &fault) {
		return "", &UnstorableError{What: "value", Type: t.String(), Field: fault.Field, Reason: fault.Reason}
	}
	return text, nil
}

// hiddenConfig looks for a part of a config that JSON leaves out silently: two configs that differ only there would
// share an entry.
func hiddenConfig(v reflect.Value, path string) *UnstorableError {
	switch {
	case !v.IsValid():
		return nil
	case marshalsItself(reflect.PointerTo(v.Type())):
		if snapshot.Promotes(v.Type(), marshalsItself) && v.NumField() > 1 {
			return &UnstorableError{Field: path, Reason: "embeds a type that writes itself as JSON and leaves out the " +
				"other fields, so a change of them would go unnoticed; give the embedded field a name"}
		}
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
			at := strings.TrimPrefix(path+"."+f.Name, ".")
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

// marshalsItself reports whether JSON leaves the encoding of what a pointer points to, to the type's own methods.
func marshalsItself(p reflect.Type) bool {
	return p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}
