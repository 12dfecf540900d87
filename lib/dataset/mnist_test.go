// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// tiny returns a data set in the form of MNIST, with 3 and 2 images of 2x2 pixels, and the bytes of its files by name.
func tiny() (data.Set, map[string][]byte) {
	set := data.Set{ID: "mnist", Name: "Tiny", Home: "https://example.org/tiny"}
	files := map[string][]byte{}
	add := func(name string, b []byte) {
		files[name] = b
		set.Files = append(set.Files, data.File{Name: name, Size: int64(len(b)), SHA256: fmt.Sprintf("%x", sha256.Sum256(b))})
	}
	add("train-images-idx3-ubyte", idxFile([]int{3, 2, 2}, 0, 255, 51, 102, 0, 0, 0, 0, 255, 255, 255, 255))
	add("train-labels-idx1-ubyte", idxFile([]int{3}, 1, 0, 9))
	add("t10k-images-idx3-ubyte", idxFile([]int{2, 2, 2}, 1, 2, 3, 4, 5, 6, 7, 8))
	add("t10k-labels-idx1-ubyte", idxFile([]int{2}, 9, 3))
	return set, files
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// isolate hides the user's data and the module's cache from a test. It returns the cache directory.
func isolate(t *testing.T) (cache string) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	t.Setenv(Env, "")
	t.Setenv(ModuleEnv, "")
	t.Chdir(t.TempDir())
	dir, label, err := CacheDir()
	if err != nil || label != "the user's cache" || !strings.HasPrefix(dir, home) {
		t.Fatalf("cache %s, %s, %v", dir, label, err)
	}
	return dir
}

// localMNIST returns the original MNIST, or skips the test.
func localMNIST(t testing.TB) (train, test *Set) {
	t.Helper()
	if _, found, err := Find(mnist(), ""); err == nil && !found {
		t.Skip("MNIST is neither in $LATERAL_DATA nor in data/cache")
	}
	train, test, err := MNIST("")
	if err != nil {
		t.Fatal(err)
	}
	return train, test
}

func TestMNIST(t *testing.T) {
	train, test := localMNIST(t)
	if !slices.Equal(train.X.Shape(), []int{60_000, 1, 28, 28}) ||
		!slices.Equal(test.X.Shape(), []int{10_000, 1, 28, 28}) {
		t.Errorf("shapes %v and %v", train.X.Shape(), test.X.Shape())
	}
	if !slices.Equal(train.Y[:10], []int{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}) ||
		!slices.Equal(test.Y[:5], []int{7, 2, 1, 0, 4}) {
		t.Errorf("first labels %v and %v", train.Y[:10], test.Y[:5])
	}
	if x := train.X.Data(); slices.Min(x) != 0 || slices.Max(x) != 1 {
		t.Errorf("pixels from %v to %v", slices.Min(x), slices.Max(x))
	}
	var sum float64
	for _, v := range train.X.Data() {
		sum += float64(v)
	}
	if mean := sum / float64(train.X.Len()); mean < 0.1306 || mean > 0.1308 {
		t.Errorf("mean pixel %v, known to be 0.1307", mean)
	}
	if !strings.HasSuffix(train.Source, "(60,000 + 10,000 images)") ||
		strings.ContainsAny(train.Source, `/\`) != strings.Contains(train.Source, "data/cache") {
		t.Errorf("source %q", train.Source)
	}
	half, rest := train.Split(5./6, tensor.Stream(1, "split"))
	if half.Len() != 50_000 || rest.Len() != 10_000 {
		t.Errorf("split into %d and %d", half.Len(), rest.Len())
	}
}

func BenchmarkMNIST(b *testing.B) {
	localMNIST(b)
	for b.Loop() {
		if _, _, err := MNIST(""); err != nil {
			b.Fatal(err)
		}
	}
}

func TestLoadInEverySpelling(t *testing.T) {
	set, files := tiny()
	dotted := func(name string) string { return strings.Replace(name, "-idx", ".idx", 1) }
	for form, save := range map[string]func(dir, name string, b []byte){
		"plain":      func(dir, name string, b []byte) { write(t, filepath.Join(dir, name), b) },
		"compressed": func(dir, name string, b []byte) { write(t, filepath.Join(dir, name+".gz"), gzipped(t, b)) },
		"dotted":     func(dir, name string, b []byte) { write(t, filepath.Join(dir, dotted(name)), b) },
		"dotted, compressed": func(dir, name string, b []byte) {
			write(t, filepath.Join(dir, dotted(name)+".gz"), gzipped(t, b))
		},
		"unpacked as .gz": func(dir, name string, b []byte) { write(t, filepath.Join(dir, name+".gz"), b) },
		"in a sub-folder": func(dir, name string, b []byte) { write(t, filepath.Join(dir, "mnist", name), b) },
	} {
		dir := t.TempDir()
		for name, b := range files {
			save(dir, name, b)
		}
		place, found, err := Find(set, dir)
		if err != nil || !found {
			t.Errorf("%s: found %v, %v", form, found, err)
			continue
		}
		train, test, err := loadMNIST(set, place)
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		if !slices.Equal(train.X.Data()[:4], []float32{0, 1, 0.2, 0.4}) || !slices.Equal(train.Y, []int{1, 0, 9}) ||
			!slices.Equal(test.Y, []int{9, 3}) {
			t.Errorf("%s: got %v %v %v", form, train.X, train.Y, test.Y)
		}
		if want := fmt.Sprintf("%x", sha256.Sum256(slices.Concat(files["train-images-idx3-ubyte"],
			files["train-labels-idx1-ubyte"]))); train.Sum != want {
			t.Errorf("%s: sum %s, want %s", form, train.Sum, want)
		}
		if want := "Tiny from the directory given (3 + 2 images)"; train.Source != want {
			t.Errorf("%s: source %q, want %q", form, train.Source, want)
		}
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(files map[string][]byte)
		want  []string
	}{
		{"one pixel changed", func(f map[string][]byte) { f["t10k-images-idx3-ubyte"][20]++ },
			[]string{"t10k-images-idx3-ubyte is not the original", "SHA-256", "lateral data get mnist --dir "}},
		{"one label changed", func(f map[string][]byte) { f["train-labels-idx1-ubyte"][8] = 3 },
			[]string{"train-labels-idx1-ubyte is not the original"}},
		{"labels of the other part", func(f map[string][]byte) { f["train-labels-idx1-ubyte"] = f["t10k-labels-idx1-ubyte"] },
			[]string{"train-images-idx3-ubyte has 3 images", "train-labels-idx1-ubyte has 2 labels", "do not belong together"}},
		{"images and labels swapped", func(f map[string][]byte) {
			labels, images := "train-labels-idx1-ubyte", "train-images-idx3-ubyte"
			f[labels], f[images] = f[images], f[labels]
		}, []string{"where", "belong", "the files are swapped"}},
		{"training and test swapped", func(f map[string][]byte) {
			for _, kind := range []string{"images-idx3-ubyte", "labels-idx1-ubyte"} {
				f["train-"+kind], f["t10k-"+kind] = f["t10k-"+kind], f["train-"+kind]
			}
		}, []string{"is not the original"}},
		{"truncated", func(f map[string][]byte) { f["train-images-idx3-ubyte"] = f["train-images-idx3-ubyte"][:25] },
			[]string{"train-images-idx3-ubyte is truncated", "3x2x2"}},
		{"one missing", func(f map[string][]byte) { delete(f, "t10k-labels-idx1-ubyte") },
			[]string{"only a part of Tiny", "put these files into",
				"\n  t10k-labels-idx1-ubyte.gz, or t10k-labels-idx1-ubyte (10 bytes)"}},
	} {
		set, files := tiny()
		c.spoil(files)
		dir := t.TempDir()
		for name, b := range files {
			write(t, filepath.Join(dir, name), b)
		}
		place, _, err := Find(set, dir)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = loadMNIST(set, place)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		for _, want := range append(c.want, dir) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is\n  %v\nwithout\n  %s", c.name, err, want)
			}
		}
	}
}

func TestMNISTInADirectoryWithoutIt(t *testing.T) {
	isolate(t)
	dir := t.TempDir()
	_, _, err := MNIST(dir)
	if err == nil {
		t.Fatal("found something")
	}
	for _, f := range mnist().Files {
		if !strings.Contains(err.Error(), "\n  "+f.Name+".gz") {
			t.Errorf("the error does not list %s: %v", f.Name, err)
		}
	}
	if _, _, err := MNIST(filepath.Join(dir, "absent")); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func TestDigitsPrefersFilesAndReportsBrokenOnes(t *testing.T) {
	cache := isolate(t)
	train, _, err := Digits(1)
	if err != nil || train.Name != "Glyphs" {
		t.Fatalf("without files: %v", err)
	}

	broken := filepath.Join(cache, "mnist", "train-images-idx3-ubyte")
	write(t, broken, []byte("half a downlo"))
	if _, _, err := Digits(1); err == nil || !strings.Contains(err.Error(), "only a part of MNIST") {
		t.Errorf("with one file: %v", err)
	}
	for _, f := range mnist().Files[1:] {
		write(t, filepath.Join(cache, "mnist", f.Name), []byte("half a downlo"))
	}
	if _, _, err := Digits(1); err == nil || !strings.Contains(err.Error(), broken) {
		t.Errorf("with broken files: %v", err)
	}

	t.Setenv(Env, filepath.Join(cache, "no such directory"))
	if _, _, err := Digits(1); err == nil || !strings.Contains(err.Error(), "$LATERAL_DATA") {
		t.Errorf("with $%s wrong: %v", Env, err)
	}
	t.Setenv(Env, broken)
	if _, _, err := Digits(1); err == nil || !strings.Contains(err.Error(), "is a file") {
		t.Errorf("with $%s a file: %v", Env, err)
	}
}

func TestFindLooksInOrder(t *testing.T) {
	cache := isolate(t)
	set, files := tiny()
	env := t.TempDir()
	t.Setenv(Env, env)
	if _, found, err := Find(set, ""); found || err != nil {
		t.Fatalf("found %v in empty directories, %v", found, err)
	}
	for _, step := range []struct{ dir, label string }{
		{filepath.Join(cache, "mnist"), "the user's cache"},
		{filepath.Join(env, "mnist"), "$LATERAL_DATA"},
		{env, "$LATERAL_DATA"},
	} {
		for name, b := range files {
			write(t, filepath.Join(step.dir, name), b)
		}
		p, found, err := Find(set, "")
		if err != nil || !found || p.Dir != step.dir || p.Label != step.label || len(p.Missing(set)) != 0 {
			t.Errorf("%s: got %+v, %v, %v", step.dir, p, found, err)
		}
	}
}

func TestCacheDirIsInTheModule(t *testing.T) {
	isolate(t)
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "go.mod"), []byte("// comment\nmodule "+modulePath+"\n\ngo 1.26\n"))
	write(t, filepath.Join(root, "other", "go.mod"), []byte("module example.org/other\n"))
	write(t, filepath.Join(root, "other", "deep", "file"), nil)
	t.Chdir(filepath.Join(root, "other", "deep"))
	dir, label, err := CacheDir()
	if err != nil || dir != filepath.Join(root, "data", "cache") || label != "data/cache" {
		t.Errorf("got %s, %s, %v", dir, label, err)
	}
}

// A set is found from everywhere, whether it was downloaded inside the module or outside.
func TestOneLookup(t *testing.T) {
	outside := isolate(t)
	elsewhere, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	set, files := tiny()
	module := t.TempDir()
	write(t, filepath.Join(module, "go.mod"), []byte("module "+modulePath+"\n"))
	t.Setenv(ModuleEnv, module)
	for _, dir := range []string{outside, filepath.Join(module, "data", "cache")} {
		for name, b := range files {
			write(t, filepath.Join(dir, "mnist", name), b)
		}
		for _, from := range []string{elsewhere, module} {
			t.Chdir(from)
			if p, found, err := Find(set, ""); err != nil || !found || p.Dir != filepath.Join(dir, "mnist") {
				t.Errorf("from %s: found %+v, %v, want %s", from, p, err, dir)
			}
			if cache, label, err := CacheDir(); err != nil || cache != filepath.Join(module, "data", "cache") ||
				label != "data/cache" {
				t.Errorf("from %s, downloads go to %s, %s, %v", from, cache, label, err)
			}
		}
		if err := os.RemoveAll(filepath.Join(dir, "mnist")); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(ModuleEnv, elsewhere) // no module
	t.Chdir(elsewhere)
	if cache, _, err := CacheDir(); err != nil || cache != outside {
		t.Errorf("without a module, downloads go to %s, %v", cache, err)
	}
}

func TestRelativeDirectoryFromTheModule(t *testing.T) {
	isolate(t)
	set, files := tiny()
	base := t.TempDir()
	write(t, filepath.Join(base, "module", "go.mod"), []byte("module "+modulePath+"\n"))
	write(t, filepath.Join(base, "module", "notebooks", "file"), nil)
	for name, b := range files {
		write(t, filepath.Join(base, "files", "mnist", name), b)
	}
	t.Setenv(Env, "../files")
	for _, dir := range []string{"module", "module/notebooks"} {
		t.Chdir(filepath.Join(base, dir))
		if p, found, err := Find(set, ""); !found || err != nil || p.Label != "$"+Env {
			t.Errorf("in %s: found %v, %v, %v", dir, found, p, err)
		}
	}
}

func TestIDX(t *testing.T) {
	_, files := tiny()
	dir := t.TempDir()
	images, labels := filepath.Join(dir, "fashion-images.gz"), filepath.Join(dir, "fashion-labels.gz")
	write(t, images, gzipped(t, files["train-images-idx3-ubyte"]))
	write(t, labels, gzipped(t, files["train-labels-idx1-ubyte"]))
	s, err := IDX(images, labels)
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "fashion-images" || s.Len() != 3 || len(s.Classes) != 10 ||
		s.Source != "fashion-images.gz and fashion-labels.gz (3 images)" {
		t.Errorf("got %+v", s)
	}
	write(t, images, idxFile([]int{0, 2, 2}))
	write(t, labels, idxFile([]int{0}))
	if _, err := IDX(images, labels); err == nil || !strings.Contains(err.Error(), "holds no image") {
		t.Errorf("an empty set: %v", err)
	}
}
