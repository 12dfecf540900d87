// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// Cells that read their input.
var inputCells = []string{
	"import (\n\t\"bufio\"\n\t\"fmt\"\n\t\"os\"\n)\n\n%%\nfmt.Print(\"name? \")\ns, err := " +
		"bufio.NewReader(os.Stdin).ReadString('\\n')\nfmt.Printf(\"%q %v\\n\", s, err)",
	"!read x; read y; echo \"$y after $x\"",
	"!cat | tr a-z A-Z",
	"%%\nvar secret string\ngonbui.RequestInput(\"password: \", true)\nfmt.Scan(&secret)\nfmt.Println(len(secret), " +
		"\"characters\")",
	"%%\ngo fmt.Scanln()\ntime.Sleep(3 * time.Second)\nfmt.Println(\"did not wait\")",
}

// TestInputInBrowsers answers cells that read, in JupyterLab and in the classic notebook.
func TestInputInBrowsers(t *testing.T) {
	long(t, "runs cells in browsers")
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows what a program waits for")
	}
	chromium := findChromium()
	if chromium == "" {
		t.Skip("no Chromium or Chrome on PATH")
	}
	t.Run("JupyterLab", func(t *testing.T) {
		jupyter, reason := jupyterLab4()
		if reason != "" && os.Getenv("LATERAL_JUPYTER") != "" {
			t.Fatal(reason)
		} else if reason != "" {
			t.Skip(reason)
		}
		l := startLab(t, jupyter)
		l.notebook("input.ipynb", inputCells)
		f := frontInLab(openNotebook(t, chromium, l, "input.ipynb", 4*time.Minute))
		f.answers("input.jp-Stdin-input")
	})
	t.Run("classic", func(t *testing.T) {
		classic, reason := classicNotebook()
		if reason != "" {
			t.Skip(reason)
		}
		l := startClassic(t, classic)
		l.notebook("input.ipynb", inputCells)
		f := frontInClassic(openClassic(t, chromium, l, "input.ipynb", 4*time.Minute))
		f.answers("input.raw_input")
	})
}

// answers types into the box that a cell opens, as a person does.
func (f *frontEnd) answers(box string) {
	box += ":not([disabled])"
	present := fmt.Sprintf("document.querySelectorAll(%q).length == 1", box)
	says := func(cell int, want ...string) {
		f.t.Helper()
		f.wait(time.Minute, "the cell to end", f.idle)
		evaluate[bool](f.labPage, f.save)
		nb, err := notebook.ReadFile(f.file)
		if err != nil {
			f.t.Fatal(err)
		}
		said := outputText(nb.Cells[cell])
		for _, text := range want {
			if !strings.Contains(said, text) {
				f.t.Errorf("cell %d holds %q, which lacks %q", cell, said, text)
			}
		}
	}
	for i, test := range []struct {
		answers []string
		want    string
	}{
		{[]string{"Ada"}, "\"Ada\\n\" <nil>\n"},
		{[]string{"one", "two"}, "two after one\n"},
		{[]string{"first", "second", "^D"}, "FIRST\nSECOND\n"},
		{[]string{"geheim"}, "6 characters\n"},
	} {
		f.begin(i)
		for n, answer := range test.answers {
			f.wait(time.Minute, "the box", present)
			if n == 0 {
				f.snapshot(fmt.Sprintf("input-%d", i), fmt.Sprintf("document.querySelector(%q)", box))
			}
			if hidden := evaluate[bool](f.labPage, fmt.Sprintf(`document.querySelector(%q).type == "password"`,
				box)); hidden != (answer == "geheim") {
				f.t.Errorf("cell %d: hidden: %t", i, hidden)
			}
			evaluate[bool](f.labPage, fmt.Sprintf("document.querySelector(%q).dataset.answered = true", box))
			if err := chromedp.Do(f.ctx, chromedp.SendKeys(box, answer+"\r")); err != nil {
				f.t.Fatal(err)
			}
			f.wait(time.Minute, "the box to go", fmt.Sprintf("!document.querySelector('%s[data-answered]')", box))
		}
		says(i, test.want)
	}

	// Stopped while it waits, then run again and answered.
	f.begin(0)
	f.wait(time.Minute, "the box", present)
	evaluate[bool](f.labPage, f.stop)
	says(0, "name? ", "interrupted")
	f.begin(0)
	f.wait(time.Minute, "the box", present)
	if err := chromedp.Do(f.ctx, chromedp.SendKeys(box, "again\r")); err != nil {
		f.t.Fatal(err)
	}
	says(0, "\"again\\n\" <nil>\n")

	// A program that ends before it is answered. JupyterLab keeps the box and runs nothing until it is answered: what is
	// typed there is nobody's.
	f.begin(4)
	f.wait(time.Minute, "the box", present)
	says(4, "did not wait\n")
	if evaluate[bool](f.labPage, present) {
		if err := chromedp.Do(f.ctx, chromedp.SendKeys(box, "late\r")); err != nil {
			f.t.Fatal(err)
		}
	}
	f.wait(time.Minute, "the box to go", "!("+present+")")
	f.begin(0)
	f.wait(time.Minute, "the new box", present)
	if err := chromedp.Do(f.ctx, chromedp.SendKeys(box, "in time\r")); err != nil {
		f.t.Fatal(err)
	}
	says(0, "\"in time\\n\" <nil>\n")
}
