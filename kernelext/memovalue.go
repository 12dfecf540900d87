// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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
	switch v.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return hiddenConfig(v.Elem(), path)
	}
	// A method of the pointer is called only where there is one.
	if marshalsItself(v.Type()) || v.CanAddr() && marshalsItself(reflect.PointerTo(v.Type())) {
		switch {
		case !snapshot.Promotes(v.Type(), marshalsItself):
			return nil
		case v.NumField() == 1:
			return hiddenConfig(v.Field(0), path)
		}
		return &UnstorableError{Field: path, Reason: "embeds a type that writes itself as JSON and leaves out the " +
			"other fields, so a change of them would go unnoticed; give the embedded field a name"}
	}
	switch v.Kind() {
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
		fields, fault := jsonFields(v.Type(), path)
		if fault != nil {
			return fault
		}
		for _, f := range fields {
			field, err := v.FieldByIndexErr(f.index)
			if err != nil {
				continue // of an embedded pointer that is nil
			}
			if fault := hiddenConfig(field, f.path); fault != nil {
				return fault
			}
		}
	}
	return nil
}

// typesIn returns the types of all values behind interfaces, which JSON does not tell, maps by the order of their keys.
func typesIn(v reflect.Value) (types []string) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			types = append([]string{v.Elem().Type().String()}, typesIn(v.Elem())...)
		}
		return types
	case reflect.Pointer:
		return typesIn(v.Elem())
	case reflect.Invalid:
		return nil
	}
	if marshalsItself(v.Type()) || marshalsItself(reflect.PointerTo(v.Type())) {
		return nil // which may hold itself
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if isPlain(v.Type().Elem().Kind()) {
				break
			}
			types = append(types, typesIn(v.Index(i))...)
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			types = append(types, typesIn(v.MapIndex(k))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				types = append(types, typesIn(v.Field(i))...)
			}
		}
	}
	return types
}

// A jsonField is a field of a struct, or of one that it embeds, that JSON writes under a name.
type jsonField struct {
	name, path string
	index      []int
}

// jsonFields returns the fields of a struct that JSON writes, or one that it leaves out, unless its tag says so. within
// are the structs that embed this one.
func jsonFields(t reflect.Type, path string, within ...reflect.Type) (fields []jsonField, fault *UnstorableError) {
	within = append(within, t)
	for i := range t.NumField() {
		f := t.Field(i)
		at := strings.TrimPrefix(path+"."+f.Name, ".")
		embedded := f.Type
		if embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		embeds := f.Anonymous && embedded.Kind() == reflect.Struct
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() && !embeds:
			return nil, &UnstorableError{Field: at, Reason: "is not exported, so a change of it would go unnoticed; " +
				"export it, or give only what matters (for a data set, its Sum)"}
		case f.Tag.Get("json") == "-": // left out on purpose
		case embeds && name == "" && slices.Contains(within, embedded):
			return nil, &UnstorableError{Field: at, Reason: "embeds the type that it is in, which JSON leaves out, so a " +
				"change of it would go unnoticed; give the embedded field a name"}
		case embeds && name == "":
			inner, fault := jsonFields(embedded, at, within...)
			if fault != nil {
				return nil, fault
			}
			for _, f := range inner {
				fields = append(fields, jsonField{f.name, f.path, slices.Insert(f.index, 0, i)})
			}
		default:
			fields = append(fields, jsonField{cmp.Or(name, f.Name), at, []int{i}})
		}
	}
	for i, f := range fields {
		if j := slices.IndexFunc(fields[:i], func(g jsonField) bool { return g.name == f.name }); j >= 0 {
			return nil, &UnstorableError{Field: f.path, Reason: fmt.Sprintf("has the name %q in JSON, as %s has, so a change "+
				"of one or both would go unnoticed; rename one or give it another json tag", f.name, fields[j].path)}
		}
	}
	return fields, nil
}

func isPlain(k reflect.Kind) bool { return k <= reflect.Complex128 || k == reflect.String }

// marshalsItself reports whether JSON leaves the encoding of values of a type to the type's own methods.
func marshalsItself(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}
