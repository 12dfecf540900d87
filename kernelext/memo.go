// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/dustin/go-humanize"
)

// Memo returns the value that f computes, and keeps it on disk: a later call with the same name and the same config,
// in this cell or another, today or next week, reads it back instead. One line says which of the two happened, for all
// memos of a cell.
//
//	net := kernelext.Memo("dense net", config, func() (*Net, error) { return train(config) })
//
// The key is name, config (its types, and its values as JSON) and the version of this library. config must hold
// everything that changes the result: settings, seed, and the sum of the data (dataset.Set's Sum). The code of f is not
// part of the key: call [Forget] after changing it.
//
// T is made of numbers, strings, slices, maps, pointers, tensors, parameters, and structs of exported fields, as the
// library's layers and models are. It comes back exactly: what was shared, such as a layer that a network runs twice,
// is shared again. A type that cannot come back in full is refused before f runs: one with unexported fields,
// interfaces, functions or channels. A type with the two methods of [Storable] stores itself. If f returns an error, or
// the stop button was pressed ([Interrupted]), nothing is stored.
//
// In a working copy of this library, an entry that was stored before its sources were edited is reused, too, and the
// line says so. With LATERAL_FRESH=1, which `lateral run --in-place` sets, it is computed again: the outputs that are
// kept in a notebook come from one version.
//
// LATERAL_MEMO_LIMIT, a size such as 2GB, bounds all entries together: those that nobody has used for longest are
// removed when a new one is stored.
//
// A damaged entry, or one written for another type, is reported and computed again. If the disk is full or cannot be
// written, Memo says so and returns the value. While one process computes an entry, others that ask for it wait.
//
// An error, of f or of config, ends the cell with its message; [TryMemo] returns it instead.
func Memo[T any](name string, config any, f func() (T, error)) T {
	v, err := TryMemo(name, config, f)
	if err != nil {
		fail(err)
	}
	return v
}

// TryMemo is [Memo] with the error returned: that of f, wrapped; an [UnstorableError] for a config or a T that would
// not be stored completely; [ErrInterrupted] if the stop button was pressed while another process computed the entry.
func TryMemo[T any](name string, config any, f func() (T, error)) (T, error) {
	var v T
	m, err := newMemo(name, config, reflect.TypeFor[T]())
	if err != nil {
		return v, err
	}
	err = m.run(task{
		load:    func(dir string) error { return load(dir, &v) },
		compute: func() (err error) { v, err = f(); return },
		store:   func(dir string) error { return store(dir, &v) },
	})
	return v, err
}

// Storable is a value that keeps itself as files in a directory of its own, such as a network kept as safetensors.
// Load is called on a new zero value and must restore all of it. If T is a type or a pointer to a type with these
// methods, Memo uses them.
type Storable interface {
	Save(dir string) error
	Load(dir string) error
}

// An UnstorableError says which part of a value or of a config Memo cannot keep.
type UnstorableError struct {
	Name   string // of the memo
	What   string // "value" or "config"
	Type   string
	Field  string // path of the part, "" for the whole
	Reason string // why, and what to do instead
}

func (e *UnstorableError) Error() string {
	return fmt.Sprintf("memo %q: the %s cannot be kept: %s", e.Name, e.What, e.part())
}

// part says which part it is, and why.
func (e *UnstorableError) part() string {
	at := e.Type
	if e.Field != "" {
		at += "." + e.Field
	}
	return at + " " + e.Reason
}

// A memo is one name and config on its way to a value.
type memo struct {
	entry  Entry
	dir    string // root directory of all entries
	locked bool   // no other process computes or removes this entry
	say    func(format string, args ...any)
}

// A task is what differs by type: how to read, make and write the value.
type task struct {
	load, store func(dir string) error
	compute     func() error
}

func newMemo(name string, config any, t reflect.Type) (*memo, error) {
	if name == "" {
		return nil, errors.New("memo: the name is empty: it tells entries apart in List and Forget")
	}
	settings, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("memo %q: the config cannot be written as JSON, so it makes no key: %w", name, err)
	}
	if fault := hiddenConfig(reflect.ValueOf(config), ""); fault != nil {
		fault.Name, fault.What, fault.Type = name, "config", fmt.Sprintf("%T", config)
		return nil, fault
	}
	structure, fault := structure(t)
	if fault != nil {
		fault.Name = name
		return nil, fault
	}
	types := typesIn(reflect.ValueOf(&config).Elem())
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %s", name, Version(), types, settings))
	return &memo{
		dir: memoDir(),
		say: func(format string, args ...any) { fmt.Printf("memo %q: "+format+"\n", append([]any{name}, args...)...) },
		entry: Entry{Name: name, Key: hex.EncodeToString(sum[:keyLen/2]), Config: settings, Version: Version(),
			Type: structure, Sources: sourcesSum()},
	}, nil
}

// memoDir is where entries are kept: LATERAL_MEMO, or a directory of the user's cache.
func memoDir() string { return keptIn("LATERAL_MEMO", "memo") }

// keptIn returns the directory that an environment variable names, or one of the given name in the user's cache.
func keptIn(variable, name string) string {
	if dir := os.Getenv(variable); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil { // no home directory
		cache = os.TempDir()
	}
	return filepath.Join(cache, "lateral", name)
}

// makeMemoDir creates the directory of all entries: for this user alone, unless LATERAL_MEMO names a place that may
// be shared.
func makeMemoDir(dir string) error {
	if os.Getenv("LATERAL_MEMO") != "" {
		return os.MkdirAll(dir, 0o777)
	}
	return os.MkdirAll(dir, 0o700)
}

// run brings the value: from disk if it is there and sound, otherwise computed and stored.
func (m *memo) run(t task) error {
	unlock, err := m.lock()
	switch {
	case errors.Is(err, ErrInterrupted):
		return fmt.Errorf("memo %q: %w while another process was computing it", m.entry.Name, err)
	case err != nil:
		m.say("%v; computing without a lock", err)
	}
	defer unlock()
	m.removeLeftovers()
	if m.recall(t) {
		return nil
	}
	start := time.Now()
	if err := t.compute(); err != nil {
		return fmt.Errorf("memo %q: %w", m.entry.Name, err)
	}
	took := time.Since(start)
	if wasInterrupted() {
		m.say("interrupted after %s, not stored", duration(took))
		return nil
	}
	m.entry.Seconds, m.entry.Created = took.Seconds(), time.Now().UTC()
	if err := m.keep(t.store); err != nil {
		m.say("computed in %s, but not stored in %s: %v", duration(took), m.dir, err)
		return nil
	}
	memos.add(outcome{name: m.entry.Name, bytes: m.entry.Size(), took: took})
	m.makeRoom()
	return nil
}

// makeRoom keeps all entries together below the size in LATERAL_MEMO_LIMIT.
func (m *memo) makeRoom() {
	text := os.Getenv("LATERAL_MEMO_LIMIT")
	if text == "" {
		return
	}
	limit, err := humanize.ParseBytes(text)
	if err != nil {
		m.say("LATERAL_MEMO_LIMIT=%q is no size, such as 2GB; nothing is removed", text)
		return
	}
	removed, err := trim(int64(min(limit, math.MaxInt64)), m.path())
	for _, e := range removed {
		m.say("removed %q to make room (%s)", e.Name, humanize.Bytes(uint64(e.Size())))
	}
	if err != nil {
		m.say("making room: %v", err)
	}
}

// recall reads the stored value and tells whether it did; if not, it says why where that is not plain.
func (m *memo) recall(t task) bool {
	stored, err := readEntry(m.path())
	if errors.Is(err, os.ErrNotExist) {
		if change := m.changedSince(); change != "" {
			m.say("%s, computing", change)
		}
		return false
	}
	if err == nil && (stored.Name != m.entry.Name || stored.Key != m.entry.Key) {
		err = fmt.Errorf("%s is an entry of another name or config", m.path())
	}
	if err == nil && stored.Type != m.entry.Type {
		err = fmt.Errorf("it was written for the type %s, now it is %s", stored.Type, m.entry.Type)
	}
	if err == nil {
		err = stored.verify(m.path())
	}
	if err == nil {
		err = t.load(filepath.Join(m.path(), valueDir))
	}
	if err != nil {
		m.say("the stored value is not used: %v; computing again", err)
		return false
	}
	edited := stored.Sources != m.entry.Sources
	if edited && os.Getenv("LATERAL_FRESH") == "1" {
		m.say("the library's sources were edited since it was stored, computing again")
		return false
	}
	now := time.Now()
	_ = os.Chtimes(m.path(), now, now) // where it cannot be, Trim takes the entry for unused
	memos.add(outcome{name: m.entry.Name, bytes: stored.Size(), took: time.Duration(stored.Seconds * float64(time.Second)),
		reused: true, created: stored.Created, edited: edited})
	return true
}

// since says how long ago something was, or, where the clock was set back, its date.
func since(then, now time.Time) string {
	if d := now.Sub(then); d > -time.Minute {
		return age(d) + " ago"
	}
	return "dated " + then.Local().Format(time.DateOnly) + ", which this clock has still to reach"
}

// age writes a time span in one unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", max(0, d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
