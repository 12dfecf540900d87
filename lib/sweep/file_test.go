// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/durable"
)

// row is the JSON of a row, sealed a line that holds it.
func row(units int, value float64) string {
	text, err := json.Marshal(Row[point, worth]{point{units, 0}, worth{value}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func sealed(row string) string { return string(durable.Seal([]byte(row))) + "\n" }

// write makes a file in a folder of its own.
func write(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "file.jsonl")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// A file means the same whatever an editor or another system did to its white space, and a merge removes the traces.
func TestFilesAreReadInAnyDress(t *testing.T) {
	a, b := sealed(row(1, 0.5)), sealed(row(2, 0.25))
	clean := a + b
	for name, text := range map[string]string{
		"as written":               clean,
		"CRLF":                     strings.ReplaceAll(clean, "\n", "\r\n"),
		"a byte order mark":        "\ufeff" + clean,
		"blank lines":              "\n\n" + a + "\n \t\r\n" + b + "\n",
		"spaces around rows":       " " + a[:len(a)-1] + "  \t\n\t" + b[:len(b)-1] + " \n",
		"rows twice":               a + b + a + b,
		"no newline at the end":    clean[:len(clean)-1],
		"CR and no newline":        clean[:len(clean)-1] + "\r",
		"zeros at the end":         clean + "\x00\x00\x00",
		"zeros for the newline":    clean[:len(clean)-1] + "\x00\x00",
		"without check sums":       row(1, 0.5) + "\n" + row(2, 0.25) + "\n",
		"one without a check sum":  row(1, 0.5) + "\n" + b,
		"both kinds of one result": row(1, 0.5) + "\n" + a + b,
		"space within a plain row": strings.ReplaceAll(row(1, 0.5), ":", ": ") + "\n" + b,
		"torn at the end":          clean + sealed(row(3, 1))[:100],
	} {
		file := write(t, text)
		got, err := ReadRows[point, worth](file)
		if err != nil || len(got) != 2 || got[0].Result.Value != 0.5 || got[1].Setting.Units != 2 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		out := file + ".merged"
		if n, err := Merge(out, file); n != 2 || err != nil || read(t, out) != clean {
			t.Errorf("%s merges to %q, %v", name, read(t, out), err)
		}
		s := sweep(file, 0)
		s.Settings, s.Workers = []point{{1, 0}, {2, 0}, {3, 0}}, 1
		if rows, err := s.Run(t.Context()); err != nil || len(rows) != 3 || rows[0].Result.Value != 0.5 {
			t.Errorf("%s is continued as %v, %v", name, rows, err)
		}
		again, err := ReadRows[point, worth](file)
		if err != nil || len(again) != 3 || !strings.HasSuffix(read(t, file), "\n") {
			t.Errorf("%s: the continued file is %q, %v", name, read(t, file), err)
		}
	}
	for _, text := range []string{"", "\n", "\ufeff", "\x00\x00", "  "} {
		file := write(t, text)
		if got, err := ReadRows[point, worth](file); err != nil || len(got) != 0 {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// What is no file of results, or is damaged, is refused with the line and the reason, by sweeps and merges alike, and
// stays as it is.
func TestForeignAndDamagedFilesAreRefused(t *testing.T) {
	a, b := sealed(row(1, 0.5)), sealed(row(2, 0.25))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(a))
	z.Close()
	wide := "\xff\xfe"
	for _, c := range a {
		wide += string([]byte{byte(c), 0})
	}
	for text, want := range map[string]string{
		"dear diary":                         "line 1 of FILE is no result of a sweep",
		"dear diary\nit rained\n":            "line 1 of FILE is no result of a sweep: invalid character 'd'",
		a + "\n" + b + "text\n":              "line 4 of FILE",
		a + b[:len(b)-1] + "}\n":             "line 2 of FILE is no result of a sweep: damaged: invalid character '}' after",
		a[:len(a)-1] + b:                     "line 1 of FILE is no result of a sweep: damaged: invalid character '{' after",
		a + row(2, 1) + "}\n":                "line 2 of FILE is no result of a sweep: invalid character '}' after",
		row(1, 1) + row(2, 1) + "\n":         "line 1 of FILE is no result of a sweep: invalid character '{' after",
		a + row(2, 1) + "}":                  "line 2 of FILE",
		a + b[:len(b)-1] + "}":               "line 2 of FILE",
		a + "\x00\x00" + b:                   "line 2 of FILE",
		a[:90] + "\x00" + a[91:]:             `line 1 of FILE is no result of a sweep: damaged: invalid character '\x00'`,
		strings.Replace(a, "0.5", "0.25", 1): "line 1 of FILE is no result of a sweep: damaged: the content does not have",
		a[:40] + "\n" + b:                    "line 1 of FILE is no result of a sweep: damaged: unexpected end of JSON",
		packed.String():                      "FILE is no file of results: it is compressed",
		wide:                                 "FILE is no file of results: it is UTF-16",
		"{\"setting\":{\"units\":1}}\n":      `it does not have the form {"setting":...,"result":...}`,
		`{"result":{"value":1},"setting":{"units":1,"price":0}}` + "\n":             "does not have the form",
		`{"Setting":{"units":1,"price":0},"result":{"value":1}}` + "\n":             "does not have the form",
		`{"setting":{"units":1,"price":0},"result":{"value":1},"seconds":3}` + "\n": "does not have the form",
		`{"setting":1,"setting":2,"result":1}` + "\n":                               "does not have the form",
		sealed(`"x"`):         "line 1 of FILE",
		a + row(1, 2):         "line 1 of FILE and line 2 of FILE have different results for one setting",
		a + sealed(row(1, 2)): "keep the line that you trust and remove the other",
	} {
		file := write(t, text)
		want = strings.ReplaceAll(want, "FILE", file)
		_, err := sweep(file, 3).Run(t.Context())
		_, merge := Merge(file+".out", file)
		for _, err := range []error{err, merge} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%.300q: %v, want %q", text, err, want)
			}
		}
		if read(t, file) != text {
			t.Errorf("%q was changed to %q", text, read(t, file))
		}
		if _, err := os.Stat(file + ".out"); err == nil {
			t.Errorf("%q was merged", text)
		}
	}
	dir := t.TempDir()
	if _, err := sweep(dir, 3).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "it is a folder") {
		t.Errorf("a folder as file of results: %v", err)
	}
	if _, err := Merge(filepath.Join(dir, "out"), dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a merge of a folder: %v", err)
	}
}

// Rows that these types would not write are refused: they are of another sweep, or of another version of it.
func TestRowsOfOtherTypesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"setting":{"units":1,"price":0,"seed":3},"result":{"value":1}}`: `unknown field "seed"`,
		`{"setting":{"units":1,"price":0},"result":{"value":1,"l1":2}}`:   `unknown field "l1"`,
		`{"setting":{"units":1},"result":{"value":1}}`:                    `becomes {"setting":{"units":1,"price":0},`,
		`{"setting":{"units":1,"price":0},"result":{}}`:                   `becomes`,
		`{"setting":{"units":"x","price":0},"result":{"value":1}}`:        "cannot unmarshal string",
		`{"setting":{"units":1,"price":1e999},"result":{"value":1}}`:      "cannot unmarshal number 1e999",
		`{"setting":{"units":99999999999999999999,"price":1},"result":1}`: "cannot unmarshal number 99999999999999999999",
		`{"setting":null,"result":null}`:                                  "becomes",
	} {
		for _, line := range []string{text + "\n", sealed(text)} {
			file := write(t, line)
			_, err := sweep(file, 3).Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "line 1 of "+file+" is no") {
				t.Errorf("%q: error %v, want %q", line, err, want)
			}
			if _, err := ReadRows[point, worth](file); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q read: error %v, want %q", line, err, want)
			}
			if read(t, file) != line {
				t.Errorf("%q was changed to %q", line, read(t, file))
			}
		}
	}
}

// Any flipped bit in a file of results is an error that names file and line, or changes nothing of what is read.
func TestFlippedBits(t *testing.T) {
	tries := 1500
	if testing.Short() {
		tries = 150
	}
	file := filepath.Join(t.TempDir(), "sweep.jsonl")
	s := sweep(file, 6)
	if _, err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, err := ReadRows[point, worth](file)
	if err != nil {
		t.Fatal(err)
	}
	good := []byte(read(t, file))
	rng := rand.New(rand.NewPCG(14, 0))
	refused := 0
	for range tries {
		bit := rng.IntN(8 * len(good))
		bad := slices.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(file, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := ReadRows[point, worth](file)
		switch {
		case err == nil && !slices.Equal(got, want):
			t.Errorf("bit %d of %q: %v", bit, bad, got)
		case err != nil && !strings.Contains(err.Error(), "of "+file):
			t.Errorf("bit %d: the error does not name the file: %v", bit, err)
		case err != nil:
			refused++
		}
	}
	t.Logf("%d of %d flipped bits are refused", refused, tries)
	if refused < tries*9/10 {
		t.Errorf("only %d of %d flipped bits are refused", refused, tries)
	}
}

func TestTornLineIsComputedAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sweep.jsonl")
	s := sweep(file, 5)
	s.Workers = 1
	if _, err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole := read(t, file)
	last := strings.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	tails := []string{"\x00\x00\x00", whole[last:len(whole)-5] + "\x00\x00", "\x00\x00" + whole[last:last+20]}
	for cut := last; cut < len(whole)-1; cut++ {
		tails = append(tails, whole[last:cut])
	}
	for _, tail := range tails {
		if err := os.WriteFile(file, []byte(whole[:last]+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		if rows, err := ReadRows[point, worth](file); err != nil || len(rows) != 4 {
			t.Fatalf("with the torn line %q: %v, %v", tail, rows, err)
		}
		calls := 0
		again := s
		again.Do = func(ctx context.Context, p point) (worth, error) { calls++; return s.Do(ctx, p) }
		rows, err := again.Run(t.Context())
		if err != nil || len(rows) != 5 || calls != 1 || read(t, file) != whole {
			t.Fatalf("after the torn line %q: %d calls, %v, file\n%s", tail, calls, err, read(t, file))
		}
	}
}

// While a sweep or a merge uses a file, under whatever name, the file is nobody else's.
func TestFileIsForOneProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sweep.jsonl")
	names := []string{file}
	if runtime.GOOS != "windows" {
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(file, link); err != nil {
			t.Fatal(err)
		}
		names = append(names, link)
	}
	s := sweep(file, 2)
	s.Workers = 1
	inner := s.Do
	s.Do = func(ctx context.Context, p point) (worth, error) {
		for _, name := range names {
			var held *durable.HeldError
			_, err := sweep(name, 2).Run(ctx)
			if !errors.As(err, &held) || !strings.Contains(err.Error(), "is in use by process ") {
				t.Errorf("a second run on the same file: %v", err)
			}
			if _, err := Merge(name); !errors.As(err, &held) {
				t.Errorf("a merge into a file in use: %v", err)
			}
		}
		return inner(ctx, p)
	}
	if _, err := s.Run(t.Context()); err != nil {
		t.Error(err)
	}
	// A merge into a file that is not there yet holds its name.
	lock, err := lockFile(filepath.Join(t.TempDir(), "new", "out.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if _, err := sweep(filepath.Join(file, "sweep.jsonl"), 2).Run(t.Context()); err == nil {
		t.Error("a file in a folder that is a file was accepted")
	}
}

// A result that cannot be written ends the sweep: the disk is full, say.
func TestSweepStopsWhenItCannotWrite(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "sweep.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	s := sweep(f.Name(), 50)
	s.Workers = 1
	calls := 0
	inner := s.Do
	s.Do = func(ctx context.Context, p point) (worth, error) { calls++; return inner(ctx, p) }
	jobs, err := s.jobs()
	if err != nil {
		t.Fatal(err)
	}
	r := &runner[point, worth]{Sweep: s, file: &resultsFile{path: f.Name(), f: f}, todo: slices.Clone(jobs)}
	r.workers(t.Context())
	rows, err := r.end(t.Context(), jobs)
	if calls != 1 || len(rows) != 0 || !errors.Is(err, os.ErrClosed) ||
		!strings.Contains(err.Error(), "run again when the cause is removed") {
		t.Errorf("%d calls, %d rows, %v", calls, len(rows), err)
	}
}

// A file that is removed or replaced while a sweep runs takes no further results, which would be lost, and what took
// its place is not cut.
func TestSweepStopsWhenItsFileIsReplaced(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be replaced there")
	}
	for want, replace := range map[string]func(file string) error{
		"no such file": os.Remove,
		"another file has taken its place": func(file string) error {
			return durable.WriteFile(file, []byte("x"))
		},
	} {
		file := filepath.Join(t.TempDir(), "sweep.jsonl")
		s := sweep(file, 5)
		s.Workers = 1
		calls := 0
		inner := s.Do
		s.Do = func(ctx context.Context, p point) (worth, error) {
			if calls++; calls == 2 {
				if err := replace(file); err != nil {
					t.Error(err)
				}
			}
			return inner(ctx, p)
		}
		rows, err := s.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || len(rows) != 1 || calls != 2 {
			t.Errorf("%d calls, %d rows, %v; want %q", calls, len(rows), err, want)
		}
		if text, err := os.ReadFile(file); err == nil && string(text) != "x" {
			t.Errorf("the other file holds %q", text)
		}
	}
}

// A line that was written in part, and could not be cut off, is followed by none: both would be unreadable.
func TestNoLineFollowsATornOne(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	s := &resultsFile{path: "/dev/full", f: full, size: -1} // which cannot be cut
	if err := s.append([]byte("{}")); err == nil {
		t.Fatal("a full disk takes a line")
	}
	if s.f, err = os.Create(filepath.Join(t.TempDir(), "roomy")); err != nil {
		t.Fatal(err)
	}
	defer s.f.Close()
	s.path = s.f.Name()
	if err := s.append([]byte("{}")); err == nil || read(t, s.path) != "" {
		t.Errorf("a line was written behind a torn one: %v", err)
	}
}

func TestMerge(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, lines ...string) string {
		if err := os.WriteFile(path(name), []byte(strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
		return path(name)
	}
	one, two, three, four := sealed(row(1, 1)), sealed(row(2, 7)), sealed(row(3, 1)), sealed(row(4, 1))
	a := write("a", three, one, sealed(row(2, 0.5))[:100]) // torn
	b := write("b", two, three)
	n, err := Merge(path("out"), a, b)
	if err != nil || n != 3 || read(t, path("out")) != one+two+three {
		t.Errorf("%d rows, %v:\n%s", n, err, read(t, path("out")))
	}
	// What the file has stays in it.
	n, err = Merge(path("out"), write("c", four))
	if before := one + two + three + four; err != nil || n != 4 || read(t, path("out")) != before {
		t.Errorf("%d rows, %v:\n%s", n, err, read(t, path("out")))
	}
	before := read(t, path("out"))
	for name, text := range map[string]string{"conflict": sealed(row(2, 8)), "foreign": "units,value\n3,1\n"} {
		_, err := Merge(path("out"), write(name, text))
		if err == nil || !strings.Contains(err.Error(), "line 1 of "+path(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Merge(path("out"), path("nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if read(t, path("out")) != before {
		t.Error("a failed merge changed the file")
	}
	// Files that killed merges left behind are swept, and the file behind a link is written, not the link.
	write(".out.tmp-123", "half of it")
	if runtime.GOOS != "windows" {
		if err := os.Symlink("out", path("link")); err != nil {
			t.Fatal(err)
		}
		n, err = Merge(path("link"), write("d", sealed(row(5, 1))))
		info, _ := os.Lstat(path("link"))
		if n != 5 || err != nil || info.Mode()&os.ModeSymlink == 0 || read(t, path("out")) != before+sealed(row(5, 1)) {
			t.Errorf("through a link: %d rows, %v", n, err)
		}
		if _, err := os.Stat(path(".out.tmp-123")); err == nil {
			t.Error("a leftover is still there")
		}
		_, err := Merge(os.DevNull, path("a"))
		if err == nil || !strings.Contains(err.Error(), "it is a folder, a pipe or a device") {
			t.Errorf("merged into a device: %v", err)
		}
	}
}

func TestParseShard(t *testing.T) {
	if s, err := ParseShard("3/8"); s != (Shard{3, 8}) || err != nil {
		t.Errorf("3/8 is %v, %v", s, err)
	}
	for _, text := range []string{
		"", "/", "1", "1/", "/2", "2/2", "-1/2", "1/2/3", "01/2", "0/02", "+0/2", " 0/2", "0/2 ", "x/2", "0.0/2",
		"0/99999999999999999999",
	} {
		if s, err := ParseShard(text); err == nil || s != (Shard{}) {
			t.Errorf("%q is %v", text, s)
		}
	}
}

func FuzzParseShard(f *testing.F) {
	for _, seed := range []string{"0/1", "3/8", "8/8", "-1/2", "01/2", "0/9223372036854775808", "a/b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseShard(text)
		if err == nil && (s.String() != text || s.I < 0 || s.I >= s.N) {
			t.Errorf("%q is %+v", text, s)
		}
	})
}

// Whatever bytes a file of results holds, reading it ends in rows that can be written again, or in an error.
func FuzzParse(f *testing.F) {
	good := sealed(row(1, 1))
	for _, seed := range []string{
		"", good, good + good, good + good[:80], good + `{"set`, good + "\x00", "\ufeff" + good, good + "\n\n",
		strings.ReplaceAll(good, "\n", "\r\n"), row(1, 1) + "\n", row(1, 1) + "}\n", row(1, 1), row(1, 1) + row(2, 1),
		sealed(`{"setting":null,"result":null}`), "\x1f\x8b", "\xff\xfe",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := slices.Clone(text)
		c, err := parse("file", text)
		if !bytes.Equal(text, before) {
			t.Fatal("the text was changed")
		}
		if err != nil {
			return
		}
		var again bytes.Buffer
		for _, l := range c.lines {
			again.Write(append(durable.Seal(l.row), '\n'))
		}
		second, err := parse("file", again.Bytes())
		if err != nil || second.whole != again.Len() || len(second.lines) != len(c.lines) {
			t.Fatalf("the rows of %q are read in another way: %v", text, err)
		}
		for i, l := range second.lines {
			if l.key != c.lines[i].key || !bytes.Equal(l.row, c.lines[i].row) {
				t.Errorf("row %d of %q is read in another way", i, text)
			}
		}
		kept := slices.Clone(text[:c.whole]) // as openFile leaves the file
		if c.unended {
			kept = append(kept, '\n')
		}
		third, err := parse("file", append(kept, good...))
		if err != nil || len(third.lines) != len(c.lines)+1 {
			t.Errorf("%q cannot be continued: %v", text, err)
		}
	})
}
