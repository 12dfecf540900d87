// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// TestPapermill has papermill set parameters, if LATERAL_PAPERMILL names that program of an environment in which
// kernelext/papermill is installed: they reach the cells exactly, and its notebook reads as any other.
func TestPapermill(t *testing.T) {
	papermill := os.Getenv("LATERAL_PAPERMILL")
	if papermill == "" {
		t.Skip("LATERAL_PAPERMILL names no papermill (pip install ./kernelext/papermill)")
	}
	nb := sources("import \"github.com/lateral-ml/lateral/kernelext\"\n\nvar (\n\tn = kernelext.Param(\"n\", 1)\n\ts = "+
		"kernelext.Param(\"s\", \"d\")\n\trate = kernelext.Param(\"rate\", 0.5)\n)",
		"%%\nfmt.Printf(\"%d %q %g\\n\", n, s, rate)")
	nb.Cells[0].Metadata["tags"] = []any{"parameters"}
	nb.Metadata = map[string]any{"kernelspec": map[string]any{
		"name": kernelName, "display_name": kernelDisplay, "language": "go"}}
	source, home := write(t, nb), t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Env = append(os.Environ(), "JUPYTER_DATA_DIR="+filepath.Join(home, "data"), "JUPYTER_RUNTIME_DIR="+
			filepath.Join(home, "runtime"),
			"JUPYTER_CONFIG_DIR="+filepath.Join(home, "config"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	lateral, done := filepath.Join(home, "lateral"), filepath.Join(home, "done.ipynb")
	run("go", "build", "-o", lateral, ".")
	run(lateral, "kernel", "install")
	run(papermill, "-k", "lateral", "-p", "n", "9007199254740993", "-r", "s", `1.10 "x" \`, "-p", "rate", "1e-3", source,
		done)
	got, err := notebook.ReadFile(done)
	if err != nil {
		t.Fatal(err)
	}
	if text := shown(got.Cells[len(got.Cells)-1]); text != "9007199254740993 \"1.10 \\\"x\\\" \\\\\" 0.001\n" {
		t.Errorf("the cell printed %q", text)
	}
	if help := run(papermill, "--help-notebook", source); !strings.Contains(help, "n: Unknown type (default 1)") {
		t.Errorf("the parameters are described as\n%s", help)
	}
}
