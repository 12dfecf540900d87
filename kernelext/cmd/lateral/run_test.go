// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/fakekernel"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/runner"
	"github.com/lateral-ml/lateral/kernelext/internal/session"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
)

// write stores a notebook in a new directory and returns its path.
func write(t *testing.T, nb *notebook.Notebook) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "try.ipynb")
	if err := nb.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// The whole way with the real kernel: build it, execute, write both files.
func TestRunOnGoNB(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the GoNB kernel")
	}
	nb := sources(
		"# A title",
		"import \"github.com/lateral-ml/lateral/kernelext\"\n\nvar n = kernelext.Param(\"n\", 1)",
		"import \"os\"\n%%\nfmt.Println(\"n is\", n, os.Getenv(\"LATERAL_PROFILE\"), os.Getenv(\"LATERAL_NOTEBOOK\"), "+
			"os.Getenv(\"LATERAL_HEADLESS\"))\nwd, _ := os.Getwd()\nfmt.Println(wd)",
		"%%\nfmt.Println(\"before\")\nkernelext.Show(kernelext.Markdown(\"$x^2$\"))\nfmt.Println(\"after\")",
		"func fail() { panic(\"oh no\") }\n%%\nfail()",
		"%%\nfmt.Println(undefinedName)",
		"%%\nfmt.Println(\"last\")",
	)
	nb.Cells[1].Metadata["tags"] = []any{"parameters"}
	path := write(t, nb)
	out := t.TempDir()
	var log bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	o := runOptions{profile: "quick", out: out, html: true, set: []string{"n=42"}, keepGoing: true}
	err := o.run(ctx, &log, []string{path})

	for _, want := range []string{
		"cell 6, line 1: panic: oh no\n     1 | func fail() { panic(\"oh no\") }",
		"cell 7, line 2: undefined: undefinedName\n     2 | fmt.Println(undefinedName)",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	done, readErr := notebook.ReadFile(filepath.Join(out, "try.ipynb"))
	if readErr != nil {
		t.Fatal(readErr)
	}
	cells := done.Cells // the third shows the parameters
	if got := shown(cells[3]); got != "n is 42 quick try 1\n$TMP"+strings.TrimPrefix(filepath.Dir(path),
		filepath.Clean(os.TempDir()))+"\n" {
		t.Errorf("the environment of a cell: %q", got)
	}
	if got := shown(cells[4]); got != "before\n$x^2$after\n" {
		t.Errorf("text and display: %q", got)
	}
	if n := len(cells[5].Outputs); n == 0 || cells[5].Outputs[n-1].Type != notebook.Error {
		t.Error("a panic leaves no error output")
	}
	if got := shown(cells[7]); got != "last\n" {
		t.Errorf("the cell after the errors: %q", got)
	}
	if spec := done.Metadata["kernelspec"].(map[string]any); spec["name"] != kernelName {
		t.Errorf("kernelspec %v", spec)
	}
	page, readErr := os.ReadFile(filepath.Join(out, "try.html"))
	if readErr != nil || !bytes.Contains(page, []byte("<title>A title</title>")) ||
		!bytes.Contains(page, []byte("<msup>")) {
		t.Errorf("the page: %d bytes, %v", len(page), readErr)
	}
	if !strings.Contains(log.String(), "[4/6]") ||
		!strings.Contains(log.String(), "wrote "+filepath.Join(out, "try.ipynb")) {
		t.Errorf("the log: %s", log.String())
	}
}

// A training that nobody watches says how far it is in plain lines, every tenth of the work; the notebook has the last.
func TestTrainingSaysHowFarItIs(t *testing.T) {
	if testing.Short() {
		t.Skip("runs cells on the GoNB kernel")
	}
	every := noteEvery
	noteEvery = 0
	t.Cleanup(func() { noteEvery = every })
	t.Setenv("LATERAL_CHECKPOINTS", t.TempDir())
	training := strings.Replace(liveCells[2], "50 * time.Millisecond", "0", 1)
	path := write(t, sources("import \"time\"\nimport \"github.com/lateral-ml/lateral/kernelext\"\n"+training))
	out := t.TempDir()
	var log bytes.Buffer
	o := runOptions{profile: "quick", out: out}
	if err := o.run(t.Context(), &log, []string{path}); err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`(?m)^        slow  [█░]+  (\d+) %  \d+/\d+ .*  epoch \d/2  loss \d`).
		FindAllStringSubmatch(log.String(), -1)
	var tenths []string
	for _, m := range said {
		tenths = append(tenths, m[1])
	}
	if got, want := strings.Join(tenths, " "), "10 20 30 40 50 60 70 80 90 100"; got != want {
		t.Errorf("it was at %s %%, want %s:\n%s", got, want, log.String())
	}
	done, err := notebook.ReadFile(filepath.Join(out, "try.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(done.Cells[0]); strings.Count(got, "slow") != 1 || !strings.Contains(got, "slow  ") ||
		!strings.HasSuffix(got, "to the end\n") {
		t.Errorf("the notebook has %q", got)
	}
}

// A run that does not come to its end leaves the outputs that a notebook has.
func TestRunInPlace(t *testing.T) {
	t.Setenv(fakekernel.Variable, "1")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, test := range map[string]struct {
		ctx       context.Context
		keepGoing bool
		after     []string // the cells after the one that is looked at
		want      string
	}{
		"a run to the end":              {t.Context(), false, []string{"result 1"}, "new"},
		"an edit meanwhile":             {t.Context(), false, []string{"result 1"}, "old"},
		"a failure":                     {t.Context(), false, []string{"error E no"}, "old"},
		"a failure, kept going":         {t.Context(), true, []string{"error E no", "result 1"}, "new"},
		"a kernel that dies":            {t.Context(), true, []string{"die", "result 1"}, "old"},
		"a kernel that dies in the end": {t.Context(), true, []string{"die"}, "new"},
		"a kernel that does not start":  {stopped, true, nil, "old"},
	} {
		nb := sources(append([]string{`stdout "new"`}, test.after...)...)
		nb.Cells[0].Outputs = []*notebook.Output{{Type: notebook.Stream, Name: "stdout", Text: "old"}}
		path := write(t, nb)
		o := runOptions{profile: "quick", out: t.TempDir(), inPlace: true, keepGoing: test.keepGoing,
			read: map[string]string{path: checksum(path)}}
		if name == "an edit meanwhile" {
			o.read[path] = "before it"
		}
		var log bytes.Buffer
		o.one(test.ctx, &log, toolchain.Tools{}, path, nb, nil)
		stored, err := notebook.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(stored.Cells[0]); got != test.want ||
			strings.Contains(log.String(), "keeps its old outputs") != (got == "old") {
			t.Errorf("%s: the notebook has %q after\n%s", name, got, log.String())
		}
	}
}

// With its own folder for the results, a notebook is overwritten as with --in-place, by a run to the end alone. The
// folder may have another name.
func TestRunIntoOwnFolder(t *testing.T) {
	t.Setenv(fakekernel.Variable, "1")
	for last, want := range map[string]string{"result 1": "new", "error E no": "old"} {
		nb := sources(`stdout "new"`, last)
		nb.Cells[0].Outputs = []*notebook.Output{{Type: notebook.Stream, Name: "stdout", Text: "old"}}
		path := write(t, nb)
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(filepath.Dir(path), link); err != nil {
			t.Fatal(err)
		}
		o := runOptions{profile: "quick", out: link, html: true, read: map[string]string{path: checksum(path)}}
		var log bytes.Buffer
		o.one(t.Context(), &log, toolchain.Tools{}, path, nb, nil)
		stored, err := notebook.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(stored.Cells[0]); got != want ||
			strings.Contains(log.String(), "keeps its old outputs") != (got == "old") {
			t.Errorf("the notebook has %q after\n%s", got, log.String())
		}
		page, err := os.ReadFile(filepath.Join(link, "try.html"))
		if err != nil || !bytes.Contains(page, []byte("new")) {
			t.Errorf("the page shows no output: %v", err)
		}
	}
}

// shown returns what a cell's outputs say in plain text.
func shown(cell *notebook.Cell) string {
	var text strings.Builder
	for _, o := range cell.Outputs {
		text.WriteString(o.Text)
		if plain, ok := o.Data["text/plain"].(string); ok {
			text.WriteString(plain)
		}
	}
	return text.String()
}

// What cannot end well is refused before anything is built or run, with what to do.
func TestRunRefuses(t *testing.T) {
	python, empty, blank := sources("x = 1"), sources(), sources(" \n")
	python.Metadata = map[string]any{"kernelspec": map[string]any{
		"name": "python3", "display_name": "Python 3", "language": "python"}}
	folder, special := t.TempDir(), t.TempDir()
	if err := sources("x := 1").WriteFile(filepath.Join(folder, "a.ipynb")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(special, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(special, "try.ipynb"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "try.html"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := write(t, sources("x := 1"))
	broken := filepath.Join(t.TempDir(), "broken.ipynb")
	if err := os.WriteFile(broken, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for want, test := range map[string]struct {
		o     runOptions
		paths []string
	}{
		"the profiles are quick, standard and paper": {runOptions{profile: "fast"}, []string{path}},
		"write name=value":                           {runOptions{profile: "quick", set: []string{"x"}}, []string{path}},
		"has no parameters":                          {runOptions{profile: "quick", set: []string{"x=1"}}, []string{path}},
		"no such file":                               {runOptions{profile: "quick"}, []string{"missing.ipynb"}},
		"the file ends in the middle":                {runOptions{profile: "quick"}, []string{broken}},
		"would both be written":                      {runOptions{profile: "quick"}, []string{path, path}},
		"--out " + file: {
			runOptions{profile: "quick", out: filepath.Join(file, "x")}, []string{path}},
		"--out /dev/null": {runOptions{profile: "quick", out: "/dev/null"}, []string{path}},
		"--out " + special + "/pipe": {
			runOptions{profile: "quick", out: filepath.Join(special, "pipe")}, []string{path}},
		"try.ipynb: it exists and is not a regular": {
			runOptions{profile: "quick", out: special}, []string{path}},
		"try.html: it exists and is not a regular": {
			runOptions{profile: "quick", out: folder, html: true}, []string{path}},
		"/proc/.try.ipynb":                           {runOptions{profile: "quick", out: "/proc"}, []string{path}},
		"a notebook in python, but lateral runs Go":  {runOptions{profile: "quick"}, []string{write(t, python)}},
		"the notebook is empty: there is nothing to": {runOptions{profile: "quick"}, []string{write(t, empty)}},
		"the notebook is empty":                      {runOptions{profile: "quick"}, []string{write(t, blank)}},
		"is a folder: name its notebooks, such as " + filepath.Join(folder, "a.ipynb"): {
			runOptions{profile: "quick"}, []string{folder}},
		"is a folder without notebooks": {runOptions{profile: "quick"}, []string{t.TempDir()}},
		"/pipe is no file":              {runOptions{profile: "quick"}, []string{filepath.Join(special, "pipe")}},
	} {
		var log bytes.Buffer
		if err := test.o.run(context.Background(), &log, test.paths); err == nil || !strings.Contains(err.Error(), want) ||
			log.Len() > 0 {
			t.Errorf("error %v after %q, want one about %q", err, log.String(), want)
		}
	}
}

// The first run on a machine says what it does, and how long that takes, before it begins.
func TestFirstRunSaysWhatItDoes(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	ctx, cancel := context.WithCancelCause(t.Context())
	var log bytes.Buffer
	_, err := prepare(ctx, writerFunc(func(b []byte) (int, error) {
		cancel(errors.New("enough")) // before anything is built
		return log.Write(b)
	}), ".", nil)
	if err == nil || err.Error() != "enough" || !strings.HasPrefix(log.String(),
		"The first run on a machine downloads and compiles GoNB") ||
		!strings.Contains(log.String(), "It takes one to three minutes") {
		t.Errorf("error %v after:\n%s", err, log.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// Mistakes on the command line are answered with what was meant.
func TestMistakes(t *testing.T) {
	for line, want := range map[string]string{
		"run":                    "name a notebook, such as: lateral run notebooks/00_quickstart.ipynb",
		"check":                  "name a notebook, such as: lateral check notebooks/00_quickstart.ipynb",
		"grade":                  "name a notebook, such as: lateral grade notebooks/00_quickstart.ipynb",
		"run --profil quick x":   "unknown flag: --profil: did you mean --profile? lateral run --help lists the flags",
		"run --otu x y":          "did you mean --out?",
		"run --nosuchflag x":     "unknown flag: --nosuchflag: lateral run --help lists the flags",
		"run --timeout 5 x":      "--timeout 5: write a time span with its unit, such as 30s, 5m or 2h",
		"run --cell-timeout= x":  "--cell-timeout : write a time span with its unit",
		"run --timeout -5m x":    "--timeout -5m0s: a limit is more than nothing",
		"grade --time 60 x":      "--time 60: write a time span with its unit",
		"grade --memory lots x":  `--memory: "lots" is no size: write a number and B, kB, MB, GB or TB`,
		"grade --profile fast x": "--profile fast: the profiles are quick, standard and paper",
		"grade --json /dev/null " + write(t, sources("x")): "/dev/null: it exists and is not a regular file",
	} {
		root := command()
		root.SetArgs(strings.Fields(line))
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&out)
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%s: error %v after %q, want one about %q", line, err, out.String(), want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	here, _ := os.Getwd()
	var absolute []string
	for _, name := range []string{"LATERAL_DATA", "LATERAL_MEMO", "LATERAL_CHECKPOINTS", "LATERAL_SWEEPS"} {
		t.Setenv(name, "some/folder")
		absolute = append(absolute, name+"="+here+"/some/folder")
	}
	o := runOptions{profile: "paper", out: "results", figures: true, inPlace: true}
	env, err := o.environment([]string{"A=b"}, "dir/03_name.ipynb", map[string]string{"n": "5", "s": "1.10"})
	if err != nil {
		t.Fatal(err)
	}
	want := append([]string{"A=b", "LATERAL_PROFILE=paper", `LATERAL_PARAMS={"n":"5","s":"1.10"}`, "LATERAL_HEADLESS=1",
		"LATERAL_NOTEBOOK=03_name", "LATERAL_ECHARTS=page", "LATERAL_FRESH=1",
		"LATERAL_FIGURES=" + here + "/results/figures/03_name"}, absolute...)
	if strings.Join(env, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", env, want)
	}
	jupyter, err := jupyterIn(t.Context(), t.TempDir(), []string{"jupyter-lab"})
	if err != nil || !strings.HasSuffix(strings.Join(jupyter.Env, "\n"), "\n"+strings.Join(absolute, "\n")) {
		t.Errorf("Jupyter has %q, %v", jupyter.Env, err)
	}
}

// A disk that is full leaves what was there and says what to do. /dev/full
// cannot stand in for it, since files are written beside their target.
func TestExplainDisk(t *testing.T) {
	err := explainDisk(fmt.Errorf("write: %w", syscall.ENOSPC))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "--out") {
		t.Errorf("error %v", err)
	}
	other := errors.New("other")
	if explainDisk(other) != other {
		t.Error("another error was changed")
	}
}

func TestInterruptedIsACancellation(t *testing.T) {
	problem := &runner.Problem{Cell: 1, Err: interrupted{}}
	err := place("x.ipynb", errors.Join(problem))
	if !errors.Is(err, interrupted{}) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not recognised", err)
	}
	if errors.Is(&session.DeadError{}, interrupted{}) {
		t.Error("a dead kernel counts as interrupted")
	}
}

// A closed terminal ends a command as Ctrl-C does; the shell and the system both report it.
func TestClosedTerminal(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("hang-ups are ignored here")
	}
	defer signal.Reset(syscall.SIGHUP, syscall.SIGPIPE)
	ctx := untilSignal()
	for range 2 {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
			t.Fatal("the command goes on")
		}
	}
	if err := context.Cause(ctx); !errors.Is(err, interrupted{}) {
		t.Errorf("it ends with %v", err)
	}
}

func TestProgressLines(t *testing.T) {
	var log bytes.Buffer
	lines := &cellLines{log: &log}
	lines.progress(runner.Progress{Cell: 3, Cells: 12, Title: "training"})
	if log.Len() > 0 {
		t.Error("something is printed before the cell has ended, though this is no terminal")
	}
	lines.progress(runner.Progress{Cell: 3, Cells: 12, Title: "training", Done: true, Problem: &runner.Problem{}})
	if got := log.String(); got != "[ 3/12] training: 0.0 s FAILED\n" {
		t.Errorf("got %q", got)
	}
	log.Reset()
	lines.progress(runner.Progress{Cell: 4, Cells: 12, Title: "training"})
	lines.live("10 %")
	lines.line.start = time.Now().Add(-time.Hour)
	lines.live("20 %")
	lines.live("30 %") // too soon
	lines.line.said = time.Now().Add(-time.Minute)
	lines.live("40 %")
	lines.progress(runner.Progress{Cell: 4, Cells: 12, Title: "training", Done: true})
	if got, want := log.String(), "        20 %\n        40 %\n[ 4/12] training: 3600.0 s\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestInstalledKernel(t *testing.T) {
	tools := toolchain.Tools{Dir: "/cache/bin", Module: "/src/lateral"}
	spec := jupyterKernel(tools, "/cache/bin/lateral")
	if spec.Argv[0] != "/cache/bin/lateral" || spec.InterruptMode != "message" || spec.Language != "go" ||
		strings.Join(spec.Argv[1:], " ") != "kernel run --gonb=/cache/bin/gonb --module=/src/lateral {connection_file}" ||
		!strings.HasPrefix(spec.Env["PATH"], "/cache/bin:") {
		t.Errorf("%+v", spec)
	}
}

func TestDoctor(t *testing.T) {
	if testing.Short() {
		t.Skip("asks Go and Jupyter")
	}
	t.Setenv("JUPYTER_DATA_DIR", t.TempDir())
	var out bytes.Buffer
	if err := examine(context.Background(), &out, ""); err != nil {
		t.Errorf("%v:\n%s", err, out.String())
	}
	for _, want := range []string{"ok    module: ", "ok    Go: go1.", "GOFLAGS", "build cache: ",
		"note  kernel for Jupyter: not installed", "data, MNIST"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestDoctorFindings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if f := checkWritable("build cache", filepath.Join(file, "x")); f.level != trouble ||
		!strings.Contains(f.remedy, "GOCACHE") {
		t.Errorf("a directory that cannot be: %+v", f)
	}
	if f := checkWritable("temporary files", dir); f.level == trouble {
		t.Errorf("a good directory: %+v", f)
	}
	if f := checkFlags("-mod=mod"); f.level != note || !strings.Contains(f.remedy, "go env -u GOFLAGS") {
		t.Errorf("-mod=mod: %+v", f)
	}
	if f := checkNetwork("off"); f.level != note {
		t.Errorf("no proxy: %+v", f)
	}
	t.Setenv("JUPYTER_DATA_DIR", dir)
	kernels := filepath.Join(dir, "kernels", kernelName)
	if err := os.MkdirAll(kernels, 0o755); err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]level{`{"argv": ["/nonexistent/gonb"]}`: trouble, `{"argv": []}`: trouble,
		`{`: trouble, `{"argv": ["/bin/sh"]}`: note} {
		if err := os.WriteFile(filepath.Join(kernels, "kernel.json"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if f := checkKernel(toolchain.Tools{}, ""); f.level != want || f.remedy != "lateral kernel install" {
			t.Errorf("%s: %+v", content, f)
		}
	}
}
