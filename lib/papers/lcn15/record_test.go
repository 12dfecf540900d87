// SPDX-License-Identifier: Apache-2.0

package lcn15

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/train"
)

// savedRecord returns a network and the folder to which it was saved.
func savedRecord(tb testing.TB) (*Result, string) {
	tb.Helper()
	s := settings()["lwta"]
	n := &Result{Setting: s, Image: []int{1, 28, 28}, Classes: 10, Net: New(s, []int{1, 28, 28}, 10),
		History: &train.History{Epochs: []train.Epoch{{Train: map[string]float64{"loss": 0.5}}}}}
	dir := tb.TempDir()
	if err := n.Save(dir); err != nil {
		tb.Fatal(err)
	}
	return n, dir
}

// A flipped bit in a network's record causes an error that names the file.
func TestRecordFlippedBits(t *testing.T) {
	tries := 1500
	if testing.Short() {
		tries = 150
	}
	want, dir := savedRecord(t)
	path := filepath.Join(dir, recordFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rng := rand.New(rand.NewPCG(14, 4))
	for range tries {
		bit := rng.IntN(8 * len(good))
		at := bit / 8
		f.WriteAt([]byte{good[at] ^ 1<<(bit%8)}, int64(at))
		if err := new(Result).Load(dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("bit %d: %v", bit, err)
		}
		f.WriteAt(good[at:at+1], int64(at))
	}
	back := new(Result)
	if err := back.Load(dir); err != nil || !reflect.DeepEqual(back.Setting, want.Setting) ||
		!reflect.DeepEqual(back.History, want.History) {
		t.Errorf("the record came back as %+v, %v", back, err)
	}
}

func TestRecordRanges(t *testing.T) {
	for want, change := range map[string]func(*record){
		"images of shape [1 28], 10 classes":    func(r *record) { r.Image = r.Image[:2] },
		"images of shape [1 28 0]":              func(r *record) { r.Image[2] = 0 },
		"images of shape [1 28 1000000]":        func(r *record) { r.Image[2] = 1_000_000 },
		"images of shape [1 28 28], -1 classes": func(r *record) { r.Classes = -1 },
		"lcn15: Epochs is 0: want at least 1":   func(r *record) { r.Setting.Epochs = 0 },
		"invalid layer 2: {Units:1073741824 ":   func(r *record) { r.Setting.Hidden[1].Units = 1 << 30 },
		"want sizes of at most 65536":           func(r *record) { r.Setting.Hidden[0].Pad = 1 << 62 },
		"images of 4x4 are too small: layer 1": func(r *record) {
			r.Setting, r.Image = ConvNet(1), []int{1, 4, 4}
		},
	} {
		r := record{Setting: settings()["lwta"], Image: []int{1, 28, 28}, Classes: 10}
		change(&r)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readRecord(durable.Seal(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A record of a network that its file of weights cannot hold causes an error before the network is made. This one would
// take 15 GB.
func TestRecordOfAHugeNetwork(t *testing.T) {
	saved, dir := savedRecord(t)
	r := record{Setting: saved.Setting, Image: saved.Image, Classes: saved.Classes}
	r.Setting.Hidden = []Layer{{Units: 60000, Block: 2}, {Units: 60000, Block: 2}}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, recordFile)
	if err := os.WriteFile(path, durable.Seal(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = new(Result).Load(dir)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), weightsFile+" has ") || after.TotalAlloc-before.TotalAlloc > 1<<24 {
		t.Errorf("%v, %d bytes allocated", err, after.TotalAlloc-before.TotalAlloc)
	}

	n := 0
	for _, p := range nn.Params(saved.Net) {
		n += p.Value().Len()
	}
	if r.Setting = saved.Setting; r.weights() != float64(n) {
		t.Errorf("%v weights, want %d", r.weights(), n)
	}
	c := ConvNet(1)
	r.Setting, r.Image, n = c, []int{3, 32, 32}, 0
	for _, p := range nn.Params(New(c, r.Image, r.Classes)) {
		n += p.Value().Len()
	}
	if r.weights() != float64(n) {
		t.Errorf("convolutional: %v weights, want %d", r.weights(), n)
	}
}

// For any bytes, readRecord either returns a record that is written back unchanged, or an error.
func FuzzReadRecord(f *testing.F) {
	_, dir := savedRecord(f)
	text, err := os.ReadFile(filepath.Join(dir, recordFile))
	if err != nil {
		f.Fatal(err)
	}
	content, err := durable.Open(text)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte("{}"))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := readRecord(durable.Seal(content))
		if err != nil {
			return
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("%q is read as what cannot be written: %v", content, err)
		}
		if again, err := readRecord(durable.Seal(text)); err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%q is read as %+v, then as %+v, %v", content, r, again, err)
		}
	})
}
