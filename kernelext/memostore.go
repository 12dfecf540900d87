// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/lateral-ml/lateral/lib/durable"
)

// An Entry describes a value that Memo has stored. On disk it is a directory NAME-KEY with the file entry.json (this
// struct, sealed with its check sum) and the directory value, whose files hold the value.
type Entry struct {
	Name    string          `json:"name"`
	Key     string          `json:"key"`     // hash of name, config with its types, and library version
	Config  json.RawMessage `json:"config"`  // as it was given
	Version string          `json:"lateral"` // library version
	Sources string          `json:"sources"` // hash of the library's sources, where they are at hand
	Type    string          `json:"type"`    // structure of the value's type
	Created time.Time       `json:"created"`
	Seconds float64         `json:"seconds"` // that computing it took
	Files   []StoredFile    `json:"files"`
}

// A StoredFile is one file of a stored value.
type StoredFile struct {
	Path  string `json:"path"` // below the entry's directory, with slashes
	Bytes int64  `json:"bytes"`
	Sum   string `json:"sha256"`
}

// Size returns the size of the stored value in bytes.
func (e Entry) Size() int64 {
	var n int64
	for _, f := range e.Files {
		n += f.Bytes
	}
	return n
}

const (
	entryFile = "entry.json"
	valueDir  = "value"
	slugLen   = 60 // at most
	keyLen    = 16
	temporary = ".tmp-" // in the name of an entry on its way in or out
)

// temporaryName returns a name beside an entry for the time in which it is written or removed. While an entry is
// locked, its temporary names are used by nobody but the holder.
func temporaryName(entry string) string {
	dir, name := filepath.Split(entry)
	return fmt.Sprintf("%s.%s%s%d", dir, name, temporary, rand.Uint64())
}

// List returns the stored entries, sorted by name and then by age, newest first. Damaged entries are left out.
func List() ([]Entry, error) {
	dirs, err := entryDirs()
	if err != nil {
		return nil, err
	}
	var list []Entry
	for _, dir := range dirs {
		if e, err := readEntry(dir); err == nil {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), b.Created.Compare(a.Created), cmp.Compare(a.Key, b.Key))
	})
	return list, nil
}

// Forget removes every stored entry of the given name, whatever its config, and the checkpoints of every training of
// that name ([Train]), and returns how many there were. A cell that is computing such an entry is not disturbed.
func Forget(name string) (int, error) {
	dirs, err := entryDirs()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, dir := range dirs {
		e, err := readEntry(dir)
		if err != nil { // damaged: the folder's name tells
			base := filepath.Base(dir)
			if len(base) == len(slug(name))+1+keyLen && strings.HasPrefix(base, slug(name)+"-") {
				e.Name = name
			}
		}
		if e.Name == name {
			if err := discard(dir); err != nil {
				return n, fmt.Errorf("memo %q: forgetting %s: %w", name, dir, err)
			}
			n++
		}
	}
	trainings, err := forgetCheckpoints(name)
	return n + trainings, err
}

// entryName matches the names of entries' directories, which may have others beside them.
var entryName = regexp.MustCompile(fmt.Sprintf(`^[A-Za-z0-9-]{1,%d}-[0-9a-f]{%d}$`, slugLen, keyLen))

// entryDirs returns the directories of all entries, whole or damaged.
func entryDirs() ([]string, error) {
	root := memoDir()
	list, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("memo: %w", err)
	}
	var dirs []string
	for _, d := range list {
		if d.IsDir() && entryName.MatchString(d.Name()) {
			dirs = append(dirs, filepath.Join(root, d.Name()))
		}
	}
	return dirs, nil
}

func (m *memo) path() string { return filepath.Join(m.dir, slug(m.entry.Name)+"-"+m.entry.Key) }

// slug makes a name fit for a file: letters, digits and hyphens, not too long. The key keeps files apart.
func slug(name string) string {
	s := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name)
	return s[:min(len(s), slugLen)]
}

// readEntry reads the description in an entry's directory. The error is os.ErrNotExist if there is no entry.
func readEntry(dir string) (Entry, error) {
	var e Entry
	if _, err := os.Stat(dir); err != nil {
		return e, err
	}
	b, err := os.ReadFile(filepath.Join(dir, entryFile))
	if err != nil {
		return e, fmt.Errorf("its description cannot be read: %v", err)
	}
	if e, err = parseEntry(b); err != nil {
		return e, fmt.Errorf("its description %s cannot be read: %w", filepath.Join(dir, entryFile), err)
	}
	return e, nil
}

// parseEntry reads a sealed description.
func parseEntry(text []byte) (Entry, error) {
	var e Entry
	content, err := durable.Open(text)
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(content, &e); err != nil {
		return Entry{}, err
	}
	if e.Name == "" || len(e.Key) != keyLen || !(e.Seconds >= 0) {
		return Entry{}, fmt.Errorf("an entry %q with the key %q that took %v s", e.Name, e.Key, e.Seconds)
	}
	for _, f := range e.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) || f.Bytes < 0 || f.Bytes > 1<<50 {
			return Entry{}, fmt.Errorf("a file %q of %d bytes", f.Path, f.Bytes)
		}
	}
	return e, nil
}

// verify checks that the files of the entry are what was written.
func (e Entry) verify(dir string) error {
	for _, want := range e.Files {
		got, err := describeFile(dir, want.Path)
		if err != nil {
			return err
		}
		if got.Bytes != want.Bytes {
			return fmt.Errorf("%s has %d bytes instead of %d", filepath.Join(dir, want.Path), got.Bytes, want.Bytes)
		}
		if got.Sum != want.Sum {
			return fmt.Errorf("%s was changed after it was written", filepath.Join(dir, want.Path))
		}
	}
	return nil
}

func describeFile(dir, path string) (StoredFile, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil {
		return StoredFile{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return StoredFile{Path: path, Bytes: n, Sum: hex.EncodeToString(h.Sum(nil))}, err
}

// keep stores the value: into a new directory, which is renamed, so that an entry is whole or absent.
func (m *memo) keep(store func(dir string) error) (err error) {
	if err := makeMemoDir(m.dir); err != nil {
		return err
	}
	temp := temporaryName(m.path())
	if err := os.Mkdir(temp, 0o777); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(temp) // what is left of a failed write; the error that matters is returned
		}
	}()
	value := filepath.Join(temp, valueDir)
	if err := os.Mkdir(value, 0o777); err != nil {
		return err
	}
	if err := store(value); err != nil {
		return err
	}
	if m.entry.Files, err = describeFiles(temp); err != nil {
		return err
	}
	description, err := json.MarshalIndent(m.entry, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(temp, entryFile), append(durable.Seal(description), '\n'), 0o666); err != nil {
		return err
	}
	if err := discard(m.path()); err != nil { // a damaged or outdated entry in the way
		return err
	}
	err = durable.RenameFolder(temp, m.path())
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
		// Without a lock another process may have been first: its value is as good.
		return os.RemoveAll(temp)
	}
	return err
}

// discard removes an entry: out of sight in one step, then file by file.
func discard(dir string) error {
	gone := temporaryName(dir)
	if err := os.Rename(dir, gone); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return os.RemoveAll(gone)
}

// acquire is durable.Acquire; tests replace it.
var acquire = durable.Acquire

// removeLeftovers removes what processes left behind that were killed while they wrote or removed an entry. Where a
// file system has no locks it removes nothing, as nobody knows what is still being written.
func (m *memo) removeLeftovers() {
	list, _ := os.ReadDir(m.dir)
	for _, d := range list {
		name, _, temp := strings.Cut(d.Name(), temporary)
		name, hidden := strings.CutPrefix(name, ".")
		if !temp || !hidden || !d.IsDir() || !entryName.MatchString(name) {
			continue
		}
		free := m.locked
		if entry := filepath.Join(m.dir, name); entry != m.path() {
			lock, err := acquire(entry)
			if err != nil {
				continue // it is being written
			}
			defer lock.Release()
			free = lock.Held()
		}
		if free {
			os.RemoveAll(filepath.Join(m.dir, d.Name())) // tried again at the next start
		}
	}
}

// describeFiles returns what the files below root hold.
func describeFiles(root string) (files []StoredFile, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f, err := describeFile(root, filepath.ToSlash(relative))
		files = append(files, f)
		return err
	})
	return files, err
}

// changedSince says what is new in the config, compared with the newest stored entry of the same name; "" if there
// is none.
func (m *memo) changedSince() string {
	entries, err := List()
	if err != nil {
		return ""
	}
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == m.entry.Name })
	if i < 0 {
		return ""
	}
	old := entries[i]
	if old.Version != m.entry.Version {
		return fmt.Sprintf("the library is now %s, the stored value is from %s", m.entry.Version, old.Version)
	}
	return "the config changed" + jsonChanges(old.Config, m.entry.Config)
}

// jsonChanges lists up to three fields that differ between two JSON objects, as ": rate 0.1 -> 0.2".
func jsonChanges(from, to json.RawMessage) string {
	var a, b map[string]json.RawMessage
	if json.Unmarshal(from, &a) != nil || json.Unmarshal(to, &b) != nil {
		return ""
	}
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	var changes []string
	for k := range keys {
		if before, now := compact(a[k]), compact(b[k]); before != now {
			changes = append(changes, fmt.Sprintf("%s %s -> %s", k, brief(before), brief(now)))
		}
	}
	slices.Sort(changes)
	if len(changes) > 3 {
		changes = append(changes[:3], "...")
	}
	if len(changes) == 0 {
		return ""
	}
	return " (" + strings.Join(changes, ", ") + ")"
}

// compact returns a value without white space: what a file holds is indented.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return ""
	}
	return b.String()
}

func brief(value string) string {
	switch {
	case value == "":
		return "absent"
	case len(value) > 24:
		return strings.ToValidUTF8(value[:21], "") + "..."
	default:
		return value
	}
}
