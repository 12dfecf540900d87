// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/activity"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/subnet"
)

// settings records the grids of the documents at every profile, and the settings of single networks, by the values
// of their fields.
func settings() []subject {
	return []subject{{name: "settings", record: func(t *testing.T, r *record) {
		for _, profile := range []string{"quick", "standard", "paper"} {
			grids, err := activity.Grids(profile)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range grids {
				grid(r, profile+" "+g.Name, g.Settings("", ""))
			}
			mixtures, err := drmm.Grids(profile)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range mixtures {
				grid(r, profile+" "+g.Name, g.SettingsFor("", "", 10000))
			}
		}
		for name, s := range map[string]subnet.Setting{
			"relu": subnet.Relu(), "lwta": subnet.Lwta(), "maxout": subnet.Maxout2(),
			"no dropout": subnet.Dropout(false), "dropout": subnet.Dropout(true),
			"convolutional": subnet.Convolutional(1), "half convolutional": subnet.Convolutional(2),
			"photographs": subnet.Photographs(), "small photographs": subnet.SmallPhotographs(),
		} {
			r.set(name, values(s))
		}
		for _, variant := range drmm.Variants() {
			r.set("digits "+variant, values(drmm.Digits(100, variant)))
		}
		r.set("long", values(drmm.Long()))
	}}}
}

// grid records the number of settings and a sum of their values.
func grid[S any](r *record, name string, settings []S) {
	var lines []string
	for _, s := range settings {
		lines = append(lines, values(s))
	}
	r.set("grid "+name, fmt.Sprint(len(settings), " ", sum([]byte(strings.Join(lines, "\n")))))
}

// values returns the values in a setting that are not zero, sorted: they depend neither on the names of its fields
// nor on their order.
func values(setting any) string {
	var list []string
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		default:
			if !v.IsZero() {
				list = append(list, fmt.Sprint(v.Interface()))
			}
		}
	}
	walk(reflect.ValueOf(setting))
	slices.Sort(list)
	return strings.Join(list, " ")
}
