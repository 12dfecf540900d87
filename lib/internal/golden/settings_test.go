// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers/lcn15"
	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/papers/thesis21"
)

// settings records the grids of the documents at every profile, and the settings of single networks, as the values of
// their fields.
func settings() []subject {
	return []subject{{name: "settings", record: func(t *testing.T, r *record) {
		for _, profile := range experiment.Profiles() {
			for _, g := range thesis21.Grids.List(profile) {
				grid(r, profile+" "+g.Name, g.Settings(experiment.Source{}))
			}
			for _, g := range ninai17.Grids.List(profile) {
				settings := g.Settings(experiment.Source{Images: 10000})
				for i := range settings {
					settings[i].Source = experiment.Source{} // the document does not choose the number of images
				}
				grid(r, profile+" "+g.Name, settings)
			}
		}
		for name, s := range map[string]lcn15.Setting{
			"relu": lcn15.ReLUNet(), "lwta": lcn15.LWTANet(), "maxout": lcn15.MaxoutNet(),
			"no dropout": lcn15.DropoutNet(false), "dropout": lcn15.DropoutNet(true),
			"convolutional": lcn15.ConvNet(1), "half convolutional": lcn15.ConvNet(2),
			"photographs": lcn15.PhotoNet(), "small photographs": lcn15.SmallPhotoNet(),
		} {
			r.set(name, values(s))
		}
		for _, variant := range ninai17.Variants() {
			r.set("digits "+variant, values(ninai17.Digits(100, variant)))
		}
		r.set("long", values(ninai17.Long()))
	}}}
}

// renamedValue returns the value in the golden file for a value that has been renamed since.
func renamedValue(value string) string {
	switch value {
	case ninai17.Mean:
		return "means"
	case ninai17.Sum:
		return "sums"
	}
	return value
}

// grid records the number of settings and a sum of their values.
func grid[S any](r *record, name string, settings []S) {
	var lines []string
	for _, s := range settings {
		lines = append(lines, values(s))
	}
	r.set("grid "+name, fmt.Sprint(len(settings), " ", sum([]byte(strings.Join(lines, "\n")))))
}

// values returns the nonzero values in a setting, sorted, so that they depend neither on the names of its fields nor on
// their order.
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
				list = append(list, renamedValue(fmt.Sprint(v.Interface())))
			}
		}
	}
	walk(reflect.ValueOf(setting))
	slices.Sort(list)
	return strings.Join(list, " ")
}
