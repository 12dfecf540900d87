// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// TestNotebooksInBrowsers runs the notebooks that LATERAL_NOTEBOOKS names (all, or a list such as 02,04) at quick in
// JupyterLab and in the classic notebook: no cell may fail or complain, every picture of the file must be on the page,
// every interactive view must draw and every slider change its picture. It takes some minutes for each front end.
func TestNotebooksInBrowsers(t *testing.T) {
	wanted := os.Getenv("LATERAL_NOTEBOOKS")
	if wanted == "" {
		t.Skip("LATERAL_NOTEBOOKS names no notebooks")
	}
	chromium := findChromium()
	if chromium == "" {
		t.Skip("no Chromium or Chrome on PATH")
	}
	useCharts(t)
	all, err := filepath.Glob(filepath.Join("..", "..", "..", "notebooks", "*.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	list := slices.DeleteFunc(all, func(path string) bool {
		number, _, _ := strings.Cut(filepath.Base(path), "_")
		return wanted != "all" && !slices.Contains(strings.Split(wanted, ","), number)
	})
	if len(list) == 0 {
		t.Fatalf("LATERAL_NOTEBOOKS=%s names no notebook", wanted)
	}
	const limit = 8 * time.Minute
	settings := []string{"LATERAL_PROFILE=quick", "LATERAL_MEMO=" + t.TempDir(), "LATERAL_CHECKPOINTS=" + t.TempDir(),
		"LATERAL_SWEEPS=" + t.TempDir()}

	t.Run("JupyterLab", func(t *testing.T) {
		jupyter, reason := jupyterLab4()
		if reason != "" {
			t.Skip(reason)
		}
		l := startLab(t, jupyter, settings...)
		for _, path := range list {
			t.Run(l.copy(path), func(t *testing.T) {
				os.RemoveAll(filepath.Join(l.dir, "config", "lab", "workspaces")) // or the notebook before is open as well
				p := openNotebook(t, chromium, l, filepath.Base(path), limit)
				p.runAll(limit)
				nb := p.read()
				checkCounts(t, nb)
				t.Logf("%d pictures, %d rows beside a document", p.checkPictures(nb), p.checkTables(nb))
				p.interactive(nb, `(async i => { await `+panel+`.content.scrollToItem(i, "start"); return `+panel+
					`.content.widgets[i].node })`)
				p.photograph("lab-" + filepath.Base(t.Name()))
			})
		}
	})
	t.Run("classic", func(t *testing.T) {
		classic, reason := classicNotebook()
		if reason != "" {
			t.Skip(reason)
		}
		l := startClassic(t, classic, settings...)
		for _, path := range list {
			t.Run(l.copy(path), func(t *testing.T) {
				p := openClassic(t, chromium, l, filepath.Base(path), limit)
				start := time.Now()
				evaluate[bool](p, `(Jupyter.notebook.execute_all_cells(), true)`)
				p.wait(limit, "the cells to end", classicIdle)
				t.Logf("all cells ran in %.1f s", time.Since(start).Seconds())
				evaluate[bool](p, classicSave)
				nb, err := notebook.ReadFile(p.file)
				if err != nil {
					t.Fatal(err)
				}
				p.checkOutputs(nb)
				checkCounts(t, nb)
				total := 0
				for i, c := range nb.Cells {
					shown := evaluate[[]string](p, fmt.Sprintf(`[...Jupyter.notebook.get_cell(%d).element
						.find(".output_png img, .output_subarea.output_png img")]
						.map(e => e.src.replace("data:image/png;base64,", "").trim())`, i))
					if !slices.Equal(shown, pictures(c)) {
						t.Errorf("cell %d shows %d pictures, which are not the %d that the notebook holds", i, len(shown),
							len(pictures(c)))
					}
					total += len(shown)
				}
				t.Logf("%d pictures", total)
				p.interactive(nb, `(i => { const e = Jupyter.notebook.get_cell(i).element[0]; e.scrollIntoView(); return e })`)
				p.photograph("classic-" + filepath.Base(t.Name()))
			})
		}
	})
}

// copy puts a notebook without outputs where the server finds it, and returns its name.
func (l *lab) copy(path string) string {
	l.t.Helper()
	nb, err := notebook.ReadFile(path)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, c := range nb.Cells {
		c.Clear()
	}
	if err := nb.WriteFile(filepath.Join(l.dir, "work", filepath.Base(path))); err != nil {
		l.t.Fatal(err)
	}
	return strings.TrimSuffix(filepath.Base(path), ".ipynb")
}

// interactive opens the views and moves the sliders of every cell. cell is a function in the page that brings the cell
// of a number onto the screen and returns its element.
func (p *labPage) interactive(nb *notebook.Notebook, cell string) {
	p.t.Helper()
	views, sliders := 0, 0
	for i, c := range nb.Cells {
		held := 0
		for _, o := range c.Outputs {
			if html, ok := o.Data["text/html"].(string); ok && strings.Contains(html, "data-lateral=") {
				held++
			}
		}
		if held == 0 {
			continue
		}
		evaluate[bool](p, fmt.Sprintf(`Promise.resolve(%s(%d)).then(e => { window.cell = e; return true })`, cell, i))
		const boxes = `[...window.cell.querySelectorAll("details[data-lateral]")]`
		const inputs = `[...window.cell.querySelectorAll("div[data-lateral] input")]`
		p.wait(time.Minute, "the views to be ready",
			fmt.Sprintf(`%s.every(d => d.dataset.ready) && %s.length + %s.length == %d`, boxes, boxes, inputs, held))
		evaluate[bool](p, boxes+`.forEach(d => { d.open = true }); true`)
		p.wait(time.Minute, "the views to be drawn",
			boxes+`.every(d => {
				const s = [...d.querySelectorAll("svg")]
				return s.length > 0 && s.every(e => e.querySelectorAll("path").length > 3)
			})`)
		changed := evaluate[[]bool](p, inputs+`.map(s => {
			const shown = () => [...s.closest("[data-lateral]").querySelectorAll("img")]
				.filter(i => i.style.display != "none").map(i => i.src).join()
			const before = shown()
			s.value = s.max
			s.dispatchEvent(new Event("input"))
			return shown() != before
		})`)
		if slices.Contains(changed, false) {
			p.t.Errorf("a slider of cell %d changes nothing", i)
		}
		views, sliders = views+evaluate[int](p, boxes+`.length`), sliders+len(changed)
	}
	p.t.Logf("%d views drawn, %d sliders moved", views, sliders)
}
