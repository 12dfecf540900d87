// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/runner"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
)

// jupyterPython returns the Python of LATERAL_JUPYTER or of the jupyter on PATH, else python3, and skips the test by
// name unless it has the module.
func jupyterPython(t *testing.T, module string) string {
	t.Helper()
	long(t, "runs notebooks with Jupyter's own programs")
	jupyter := os.Getenv("LATERAL_JUPYTER")
	if jupyter == "" {
		jupyter = "jupyter"
	}
	python := "python3"
	if path, err := exec.LookPath(jupyter); err == nil {
		if beside := filepath.Join(filepath.Dir(path), "python3"); exec.Command(beside, "--version").Run() == nil {
			python = beside
		}
	}
	if out, err := exec.Command(python, "-c", "import "+module).CombinedOutput(); err != nil {
		t.Skipf("%s has no %s (pip install %s): %s", python, module, module, bytes.TrimSpace(out))
	}
	return python
}

// TestKernelConformance holds the kernel to the public tests of Jupyter kernels, if they are installed.
func TestKernelConformance(t *testing.T) {
	python := jupyterPython(t, "jupyter_kernel_test")
	dir := shortDir(t)
	env := installKernelIn(t, dir)
	said := mustRun(t, env, python, filepath.Join("testdata", "jupyter", "conformance.py"))
	t.Log(said)
	passed := regexp.MustCompile(`(?m)^(test_\w+) .* \.\.\. (?:lateral kernel: .*\n)*ok$`).FindAllStringSubmatch(said, -1)
	var names []string
	for _, m := range passed {
		names = append(names, m[1])
	}
	want := []string{"test_completion", "test_display_data", "test_error", "test_execute_stderr", "test_execute_stdout",
		"test_history",
		"test_inspect", "test_is_complete", "test_kernel_info"}
	for _, name := range want {
		if !slices.Contains(names, name) {
			t.Errorf("%s did not pass", name)
		}
	}
}

// shortDir is a directory whose name, unlike that of t.TempDir, is short enough for the sockets of a kernel or a
// browser.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lateral-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// tutorialModules are what the cells of GoNB's tutorial import. Without them, which are fetched where LATERAL_ONLINE is
// set, these cells fail, in both programs alike.
const tutorialModules = "github.com/schollz/progressbar/v3@latest github.com/benc-uk/gofract@latest " +
	"github.com/ajstarks/svgo@latest " +
	"github.com/erkkah/margaid@d60b2efd2f5acc5d8fbbe13eaf85f1532e11a2fb github.com/MetalBlueberry/go-plotly@v0.7.0"

// TestRunAgreesWithNbclient executes notebooks with this command and with nbclient, which is what nbconvert and most
// services use, side by side: every cell must have the same outputs and errors in the same order.
func TestRunAgreesWithNbclient(t *testing.T) {
	python := jupyterPython(t, "nbclient")
	dir := shortDir(t)
	jupyter := installKernelIn(t, dir)
	root, err := toolchain.FindModule(".")
	if err != nil {
		t.Fatal(err)
	}
	tools, err := prepare(t.Context(), t.Output(), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	gonb := strings.TrimSpace(mustRun(t, os.Environ(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/janpfeifer/gonb"))

	for name, test := range map[string]struct {
		path  string
		skip  map[int]string         // cells that are left out, and why
		loose map[int]*regexp.Regexp // what differs from run to run in a cell
	}{
		"quickstart": {path: filepath.Join(root, "notebooks", "00_quickstart.ipynb")},
		"tutorial": {path: filepath.Join(gonb, "examples", "tutorial.ipynb"),
			skip: map[int]string{49: "waits for a widget in a browser"},
			loose: map[int]*regexp.Regexp{
				13: regexp.MustCompile(`Value=\d+`),   // at random
				17: regexp.MustCompile(`\d+ steps/s`), // as measured
				28: regexp.MustCompile(`(?s)<svg.*`),  // of points at random
				32: regexp.MustCompile(`image/png .*`),
				34: regexp.MustCompile(`(?s)<svg.*`),
				36: regexp.MustCompile(`\w*plot\w*_[0-9a-f]+|[0-9a-f]{8,}`), // identifiers
				54: regexp.MustCompile(`(?m)^.*gopls_socket\n`),             // in a front end alone
				61: regexp.MustCompile(`\d+`),                               // counts of a benchmark
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work := filepath.Join(dir, name)
			results := filepath.Join(dir, name+"-results") // not in work: a cell of the tutorial lists its folder
			nb, err := notebook.ReadFile(test.path)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range nb.Cells {
				c.Clear()
				if name == "tutorial" && os.Getenv("LATERAL_ONLINE") != "" && i == 1 {
					c.Source = "!*for m in " + tutorialModules + "; do go get $m >/dev/null 2>&1 || true; done\n" + c.Source
				}
				if why := test.skip[i]; why != "" {
					t.Logf("cell %d is left out: it %s", i, why)
					c.Metadata = map[string]any{"tags": []any{"skip-execution"}}
				}
			}
			source := filepath.Join(work, filepath.Base(test.path))
			for _, folder := range []string{work, results} {
				if err := os.MkdirAll(folder, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			if err := nb.WriteFile(source); err != nil {
				t.Fatal(err)
			}
			o := runOptions{profile: "quick", out: filepath.Join(results, "ours"), keepGoing: true}
			settings, err := o.environment(nil, source, nil)
			if err != nil {
				t.Fatal(err)
			}
			fresh := func(who string) []string {
				return append(slices.Clone(settings), "LATERAL_MEMO="+filepath.Join(results, who, "memo"),
					"LATERAL_CHECKPOINTS="+filepath.Join(results, who, "checkpoints"))
			}
			theirs := filepath.Join(results, "theirs.ipynb")
			ended := make(chan error, 1)
			go func() {
				cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "jupyter", "execute.py"), source, theirs)
				cmd.Env = append(slices.Clone(jupyter), fresh("nbclient")...)
				out, err := cmd.CombinedOutput()
				if err != nil {
					err = fmt.Errorf("%w\n%s", err, out)
				}
				ended <- err
			}()
			// The command itself, so that the two environments do not meet.
			cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "lateral"), "run", "--profile=quick", "--keep-going",
				"--html=false", "--out="+o.out, source)
			cmd.Env = append(slices.Clone(jupyter), fresh("lateral")...)
			said, failed := cmd.CombinedOutput()
			if err := <-ended; err != nil {
				t.Fatalf("nbclient: %v", err)
			}
			ours, err := notebook.ReadFile(filepath.Join(o.out, filepath.Base(source)))
			if err != nil {
				t.Fatalf("%v, %v: %s", err, failed, said)
			}
			other, err := notebook.ReadFile(theirs)
			if err != nil {
				t.Fatal(err)
			}
			paths := cleaner(tools)
			paths.Hide(filepath.Join(dir, "tmp"), "$TMP") // of both
			compare(t, ours, other, paths, test.loose)
		})
	}
}

// compare reports every cell whose outputs differ.
func compare(t *testing.T, ours, theirs *notebook.Notebook, clean *runner.Cleaner, loose map[int]*regexp.Regexp) {
	t.Helper()
	outputs, errors := 0, 0
	for i, c := range ours.Cells {
		seen := func(c *notebook.Cell) []string {
			lines := told(t, c, clean)
			for k := range lines {
				if loose[i] != nil {
					lines[k] = loose[i].ReplaceAllString(lines[k], "")
				}
			}
			return lines
		}
		a, b := seen(c), seen(theirs.Cells[i])
		for k := range max(len(a), len(b)) {
			if k >= len(a) || k >= len(b) || a[k] != b[k] {
				t.Errorf("cell %d differs in output %d:\nlateral run\n%s\nnbclient\n%s", i, k,
					strings.Join(a[min(k, len(a)):], "\n"), strings.Join(b[min(k, len(b)):], "\n"))
				break
			}
		}
		outputs += len(a)
		for _, o := range c.Outputs {
			if o.Type == notebook.Error {
				errors++
				t.Logf("cell %d: %s: %s", i, o.ErrorName, firstLine(o.ErrorValue))
			}
		}
	}
	t.Logf("%d cells with %d outputs, %d of them errors", len(ours.Cells), outputs, errors)
	if outputs < 10 {
		t.Error("that is hardly a notebook")
	}
}

var (
	sequences = regexp.MustCompile(`\x1b\[[0-9;?]*[@-~]`)
	rewritten = regexp.MustCompile(`[^\n]*\r([^\n\r])`)
	timeSpans = regexp.MustCompile(
		`\b(\d+ (h|min) )?\d+(\.\d+)?(e[-+]\d+)? ?(ns|µs|ms|s|min|h|days)\b( each)?|` +
			`\b\d+(\.\d+)?(e[-+]\d+)?/s\b|\b\d\d:\d\d(:\d\d)?\b`)
	spaces = regexp.MustCompile(` {2,}`)
)

// told is what a reader of a cell sees: a line for its execution count and one for each output, streams joined where a
// front end would, without what is another in each run: time spans and rates.
func told(t *testing.T, c *notebook.Cell, clean *runner.Cleaner) []string {
	var joined []*notebook.Output
	for _, o := range c.Outputs {
		if n := len(joined); n > 0 && o.Type == notebook.Stream && joined[n-1].Type == notebook.Stream &&
			joined[n-1].Name == o.Name {
			joined[n-1].Text += o.Text
			continue
		}
		joined = append(joined, o)
	}
	lines := []string{}
	if c.Type == notebook.Code && c.ExecutionCount != nil {
		lines = append(lines, fmt.Sprintf("[%d]", *c.ExecutionCount))
	}
	for _, o := range joined {
		text := strings.Join([]string{string(o.Type), o.Name, seen(o.Text), o.ErrorName, o.ErrorValue,
			strings.Join(o.Traceback, "\n")}, " ")
		for _, mime := range slices.Sorted(maps.Keys(o.Data)) {
			value, ok := o.Data[mime].(string)
			if !ok {
				content, err := json.Marshal(o.Data[mime])
				if err != nil {
					t.Fatal(err)
				}
				value = string(content)
			}
			text += "\n" + mime + " " + value
		}
		if len(o.Metadata) > 0 {
			content, err := json.Marshal(o.Metadata)
			if err != nil {
				t.Fatal(err)
			}
			text += "\n" + string(content)
		}
		text = timeSpans.ReplaceAllString(sequences.ReplaceAllString(clean.Clean(text), ""), "T")
		lines = append(lines, strings.TrimSpace(spaces.ReplaceAllString(text, " ")))
	}
	return lines
}

// seen is what remains of text on a screen where lines are written over.
func seen(text string) string {
	for before := ""; before != text; {
		before, text = text, rewritten.ReplaceAllString(text, "$1")
	}
	return text
}
