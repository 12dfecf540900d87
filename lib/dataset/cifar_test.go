// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/data"
)

// record returns a record: labels, and pixels that count up from a first value.
func record(first byte, labels ...byte) []byte {
	b := slices.Clone(labels)
	for i := range cifarPixels {
		b = append(b, first+byte(i))
	}
	return b
}

// tinyCIFAR returns a data set of one of the two forms, with 3 + 2 training images and 2 to test, and its files.
func tinyCIFAR(c cifar) (data.Set, map[string][]byte) {
	label := func(y byte) []byte {
		if c.coarse != nil {
			return []byte{byte(c.coarse[y]), y}
		}
		return []byte{y}
	}
	set, files := data.Set{ID: c.id, Name: "Tiny", Home: "https://example.org/tiny"}, map[string][]byte{}
	add := func(name string, records ...[]byte) {
		b := slices.Concat(records...)
		files[name] = b
		set.Files = append(set.Files, data.File{Name: name, Size: int64(len(b)), SHA256: fmt.Sprintf("%x", sha256.Sum256(b))})
	}
	add("data_batch_1.bin", record(0, label(3)...), record(51, label(9)...), record(7, label(0)...))
	add("data_batch_2.bin", record(102, label(1)...), record(200, label(5)...))
	add("test_batch.bin", record(255, label(8)...), record(1, label(2)...))
	packed := archive(files)
	set.Archive = &data.Archive{Name: "tiny-binary.tar.gz", Folder: "tiny-bin", Size: int64(len(packed)),
		SHA256: fmt.Sprintf("%x", sha256.Sum256(packed))}
	return set, files
}

// archive packs files, and a text file that is not part of the set.
func archive(files map[string][]byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	add := func(name string, content []byte) {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "tiny-bin/" + name, Size: int64(len(content)),
			Mode: 0o644}); err != nil {
			panic(err)
		}
		t.Write(content)
	}
	add("readme.html", []byte("<html>"))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		add(name, files[name])
	}
	t.Close()
	z.Close()
	return b.Bytes()
}

func TestCIFARInEveryForm(t *testing.T) {
	for _, c := range []cifar{cifar10, cifar100} {
		set, files := tinyCIFAR(c)
		for form, save := range map[string]func(dir string){
			"plain":           func(dir string) { writeAll(t, dir, files, "") },
			"compressed":      func(dir string) { writeAll(t, dir, files, ".gz") },
			"in a sub-folder": func(dir string) { writeAll(t, filepath.Join(dir, c.id), files, "") },
			"unpacked":        func(dir string) { writeAll(t, filepath.Join(dir, "tiny-bin"), files, "") },
			"unpacked in it":  func(dir string) { writeAll(t, filepath.Join(dir, c.id, "tiny-bin"), files, "") },
			"archive":         func(dir string) { write(t, filepath.Join(dir, set.Archive.Name), archive(files)) },
			"archive in it":   func(dir string) { write(t, filepath.Join(dir, c.id, set.Archive.Name), archive(files)) },
		} {
			dir := t.TempDir()
			save(dir)
			place, found, err := Find(set, dir)
			if err != nil || !found {
				t.Errorf("%s, %s: found %v, %v", c.id, form, found, err)
				continue
			}
			for _, err := range place.Check(set) {
				if err != nil {
					t.Errorf("%s, %s: Check: %v", c.id, form, err)
				}
			}
			train, test, err := c.read(set, place)
			if err != nil {
				t.Errorf("%s, %s: %v", c.id, form, err)
				continue
			}
			if !slices.Equal(train.X.Shape(), []int{5, 3, 32, 32}) || !slices.Equal(train.Y, []int{3, 9, 0, 1, 5}) ||
				!slices.Equal(test.Y, []int{8, 2}) {
				t.Errorf("%s, %s: shape %v, labels %v and %v", c.id, form, train.X.Shape(), train.Y, test.Y)
			}
			// Red, green and blue of the second image begin at 51, 51 + 1024 and 51 + 2048, modulo 256.
			if x := train.X; x.Row(1)[0] != 0.2 || x.Row(1)[1] != float32(52)/255 || x.Row(1)[1024] != 0.2 ||
				x.Row(4)[55] != 1 || x.Row(4)[56] != 0 {
				t.Errorf("%s, %s: pixels %v", c.id, form, x.Row(1)[:3])
			}
			if want := "Tiny from the directory given (5 + 2 images)"; train.Source != want || test.Source != want ||
				train.Name != "Tiny" {
				t.Errorf("%s, %s: source %q, want %q", c.id, form, train.Source, want)
			}
			if want := fmt.Sprintf("%x",
				sha256.Sum256(slices.Concat(files["data_batch_1.bin"], files["data_batch_2.bin"]))); train.Sum != want {
				t.Errorf("%s, %s: sum %s, want %s", c.id, form, train.Sum, want)
			}
		}
	}
}

func writeAll(t testing.TB, dir string, files map[string][]byte, suffix string) {
	for name, b := range files {
		if suffix == ".gz" {
			b = gzipped(t, b)
		}
		write(t, filepath.Join(dir, name+suffix), b)
	}
}

// copied changes a pixel of every file, as recompressing the images would.
func copied(files map[string][]byte) {
	for _, b := range files {
		b[100]++
	}
}

func TestCIFARCopies(t *testing.T) {
	cache := isolate(t)
	for _, c := range []cifar{cifar10, cifar100} {
		set, files := tinyCIFAR(c)
		copied(files)
		dir := t.TempDir()
		writeAll(t, dir, files, "")
		place, _, err := Find(set, dir)
		if err != nil {
			t.Fatal(err)
		}
		train, _, err := c.read(set, place)
		if err != nil {
			t.Fatal(err)
		}
		want := "Tiny (copy) from the directory given (5 + 2 images, whose bytes are not the original's)"
		if train.Name != "Tiny (copy)" || train.Source != want {
			t.Errorf("%s: name %q, source %q", c.id, train.Name, train.Source)
		}

		writeAll(t, filepath.Join(cache, c.id), files, "")
		if place, _, err = Find(set, ""); err != nil || !place.Cache {
			t.Fatalf("%+v, %v", place, err)
		}
		if _, _, err := c.read(set, place); err == nil || !strings.Contains(err.Error(), "is not the original") {
			t.Errorf("%s: a copy in the cache: %v", c.id, err)
		}
	}
}

func TestCIFARSaysWhatIsWrong(t *testing.T) {
	type files = map[string][]byte
	for _, x := range []struct {
		name  string
		c     cifar
		spoil func(f files)
		want  []string
	}{
		{"one pixel changed", cifar10, func(f files) { f["data_batch_2.bin"][20]++ },
			[]string{"data_batch_2.bin is not the original data_batch_2.bin: SHA-256", "lateral data get cifar10 --dir "}},
		{"truncated", cifar10, func(f files) { f["test_batch.bin"] = f["test_batch.bin"][:4000] },
			[]string{"test_batch.bin is truncated: it ends after 4,000 of 6,146 bytes"}},
		{"a record too long", cifar100, func(f files) {
			f["test_batch.bin"] = append(f["test_batch.bin"], record(0, 4, 0)...)
		},
			[]string{"test_batch.bin is too long: it has more than 6,148 bytes"}},
		{"training and test swapped", cifar10, func(f files) {
			f["data_batch_2.bin"], f["test_batch.bin"] = f["test_batch.bin"], f["data_batch_2.bin"]
		}, []string{"data_batch_2.bin holds test_batch.bin where data_batch_2.bin belongs: the files are swapped"}},
		{"a batch twice in a copy", cifar10, func(f files) { copied(f); f["test_batch.bin"] = f["data_batch_2.bin"] },
			[]string{"data_batch_2.bin and ", "test_batch.bin have the same content"}},
		{"a label that there is not", cifar10, func(f files) { copied(f); f["data_batch_1.bin"][3073] = 10 },
			[]string{"data_batch_1.bin is not in the format: record 1 has label 10, the last is 9"}},
		{"a superclass of another class", cifar100, func(f files) { copied(f); f["data_batch_1.bin"][3074] = 2 },
			[]string{"data_batch_1.bin is not in the format: record 1 is of class bottle and superclass 2, which belongs to " +
				"superclass 3"}},
		{"one missing", cifar10, func(f files) { delete(f, "data_batch_2.bin") },
			[]string{"only a part of Tiny", "put these files into", "\n  tiny-binary.tar.gz as it is",
				"\n  data_batch_2.bin.gz, or data_batch_2.bin (6,146 bytes)"}},
	} {
		set, f := tinyCIFAR(x.c)
		x.spoil(f)
		dir := t.TempDir()
		writeAll(t, dir, f, "")
		place, _, err := Find(set, dir)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = x.c.read(set, place)
		if err == nil {
			t.Errorf("%s: accepted", x.name)
			continue
		}
		for _, want := range append(x.want, dir) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is\n  %v\nwithout\n  %s", x.name, err, want)
			}
		}
	}
}

func TestArchiveSaysWhatIsWrong(t *testing.T) {
	set, files := tinyCIFAR(cifar10)
	good := archive(files)
	short := map[string][]byte{"data_batch_1.bin": files["data_batch_1.bin"][:5000], "data_batch_2.bin": nil,
		"test_batch.bin": nil}
	for _, x := range []struct {
		name    string
		archive []byte
		want    string
	}{
		{"no archive", []byte("<!DOCTYPE html>"), "is damaged: its gzip header cannot be read"},
		{"cut off", good[:len(good)/2], "is truncated"},
		{"no tar file", gzipped(t, bytes.Repeat([]byte("abc"), 1000)), "is damaged: archive/tar"},
		{"of something else", archive(map[string][]byte{"a": nil}),
			"lacks data_batch_1.bin: it is another archive or incomplete"},
		{"with a short file", archive(short), filepath.Join("tiny-bin", "data_batch_1.bin") +
			" is truncated: it ends after 5,000 of 9,219 bytes"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, set.Archive.Name), x.archive)
		place, _, err := Find(set, dir)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = cifar10.read(set, place)
		for _, want := range []string{x.want, place.Archive} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is\n  %v\nwithout\n  %s", x.name, err, want)
			}
		}
		if checked := place.Check(set)[0]; checked == nil || !strings.Contains(checked.Error(), x.want) {
			t.Errorf("%s: Check says %v", x.name, checked)
		}
	}
}

// Fetch downloads the archive, stores the files, and downloads again only if one of them is damaged.
func TestFetchUnpacksAnArchive(t *testing.T) {
	cache := isolate(t)
	set, files := tinyCIFAR(cifar10)
	m := newMirror(t, map[string][]byte{"tiny-binary.tar": files["data_batch_1.bin"]}, nil)
	packed, downloads := archive(files), 0
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		downloads++
		w.Write(packed)
	}))
	defer other.Close()
	set.Mirrors = []string{m.URL + "/", other.URL + "/"} // the first has a different file
	for _, spoil := range []bool{false, false, true} {
		if spoil {
			write(t, filepath.Join(cache, "cifar10", "test_batch.bin"), []byte("half a downlo"))
		}
		place, err := Fetch(context.Background(), set, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if place.Dir != filepath.Join(cache, "cifar10") || place.Archive != "" {
			t.Errorf("place %+v", place)
		}
		if train, _, err := cifar10.read(set, place); err != nil || train.Len() != 5 {
			t.Errorf("cannot be read: %v", err)
		}
	}
	if downloads != 2 {
		t.Errorf("%d downloads, want one and one to repair", downloads)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "cifar10", "*.part")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	set.Archive.SHA256 = strings.Repeat("0", 64)
	if _, err := Fetch(context.Background(), set, t.TempDir(), nil); err == nil ||
		!strings.Contains(err.Error(), "the download is not the original tiny-binary.tar.gz: SHA-256 of its bytes is") {
		t.Errorf("an archive with another sum: %v", err)
	}
}

// The hundred classes, in the order of their labels, have these superclasses in the original files.
func TestSuperclasses(t *testing.T) {
	want := []int{
		4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11, 6, 11, 5, 10, 7, 6, 13, 15, 3, 15, 0, 11, 1, 10, 12,
		14, 16, 9, 11, 5, 5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4, 2, 0, 17, 4, 18, 17, 10, 3, 2, 12, 12, 16, 12, 1,
		9,
		19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13, 16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13,
	}
	if !slices.Equal(superclassOf, want) {
		t.Errorf("superclasses %v", superclassOf)
	}
	if names := cifar100Superclasses(); !slices.IsSorted(names) || len(names) != 20 {
		t.Errorf("names %v", names)
	}
	set, files := tinyCIFAR(cifar100)
	dir := t.TempDir()
	writeAll(t, dir, files, "")
	place, _, _ := Find(set, dir)
	train, _, err := cifar100.read(set, place)
	if err != nil {
		t.Fatal(err)
	}
	coarse := Superclasses(train)
	if !slices.Equal(coarse.Y, []int{8, 3, 4, 1, 6}) || coarse.Classes[coarse.Y[0]] != "large carnivores" ||
		coarse.X != train.X || train.Y[0] != 3 {
		t.Errorf("labels %v", coarse.Y)
	}
	defer func() {
		if got := recover(); got != "dataset: Superclasses:  has 3 classes, not the 100 of CIFAR-100" {
			t.Errorf("panicked with %v", got)
		}
	}()
	Superclasses(counted(4, 0, 1, 2))
}

func TestCIFAR10(t *testing.T) {
	if _, found, err := Find(manifest("cifar10"), ""); err == nil && !found {
		t.Skip("CIFAR-10 is neither in $LATERAL_DATA nor in data/cache")
	}
	train, test, err := CIFAR10("")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(train.X.Shape(), []int{50_000, 3, 32, 32}) ||
		!slices.Equal(test.X.Shape(), []int{10_000, 3, 32, 32}) {
		t.Errorf("shapes %v and %v", train.X.Shape(), test.X.Shape())
	}
	var means [3]float64
	counts := make([]int, 10)
	for i, y := range train.Y {
		counts[y]++
		for c := range means {
			for _, v := range train.X.Row(i)[1024*c : 1024*(c+1)] {
				means[c] += float64(v) / 1024 / 50_000
			}
		}
	}
	// The known means of the three colours.
	for c, want := range []float64{0.4914, 0.4822, 0.4465} {
		if !(means[c] > want-0.002 && means[c] < want+0.002) {
			t.Errorf("mean of colour %d is %.4f, known to be %.4f", c, means[c], want)
		}
	}
	if slices.Min(counts) != 5000 || slices.Max(counts) != 5000 {
		t.Errorf("images of the classes: %v", counts)
	}
}

func FuzzCIFAR(f *testing.F) {
	set, _ := tinyCIFAR(cifar10)
	for _, c := range []cifar{cifar10, cifar100} {
		_, files := tinyCIFAR(c)
		f.Add(files["data_batch_1.bin"], c.coarse != nil)
		f.Add(archive(files), c.coarse != nil)
		f.Add(archive(files)[:500], c.coarse != nil)
	}
	f.Fuzz(func(t *testing.T, b []byte, hundred bool) {
		c := cifar10
		if hundred {
			c = cifar100
		}
		unpack(bytes.NewReader(b), "the archive", set, func(i int, r io.Reader) error {
			return copyChecked(io.Discard, r, set.Files[i])
		})
		if c.check("the file", b) != nil {
			return
		}
		// Accepted content is exactly its records.
		s := c.set([][]byte{b})
		if s.Len()*(c.labels()+cifarPixels) != len(b) || len(s.Y) != s.Len() {
			t.Fatalf("%d images and %d labels of %d bytes", s.Len(), len(s.Y), len(b))
		}
		for i, y := range s.Y {
			at := i * (c.labels() + cifarPixels)
			if y != int(b[at+c.labels()-1]) || s.X.Row(i)[cifarPixels-1] != float32(b[at+c.labels()+cifarPixels-1])/255 {
				t.Fatalf("image %d is not its record", i)
			}
		}
	})
}

// For any content of an archive, its files are found complete and once each, or there is an error.
func FuzzUnpack(f *testing.F) {
	set, files := tinyCIFAR(cifar10)
	good := archive(files)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(archive(map[string][]byte{"../../data_batch_1.bin": {1}}))
	f.Add(append(slices.Clone(good), make([]byte, 1024)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		used := map[int]int{}
		err := unpack(bytes.NewReader(b), "archive", set, func(i int, r io.Reader) error {
			used[i]++
			_, err := io.Copy(io.Discard, io.LimitReader(r, 1<<20))
			return err
		})
		for i, n := range used {
			if n > 1 || i >= len(set.Files) {
				t.Errorf("file %d was unpacked %d times", i, n)
			}
		}
		if err == nil && len(used) != len(set.Files) {
			t.Errorf("%d of %d files and no error", len(used), len(set.Files))
		}
	})
}
