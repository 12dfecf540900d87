// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// TestJupyterLab opens the quick start in JupyterLab in a browser, on the kernel that this command installs, and runs
// all its cells. Pictures grow in place while networks learn; in the end the page must show what the notebook holds.
// Then every cell that drew a picture is run again: now the networks are remembered and pictures are drawn once, and
// what is left must be the same.
func TestJupyterLab(t *testing.T) {
	long(t, "runs the quick start in a browser")
	jupyter, reason := jupyterLab4()
	chromium := findChromium()
	if reason == "" && chromium == "" {
		reason = "no Chromium or Chrome on PATH"
	}
	switch {
	case reason != "" && os.Getenv("LATERAL_JUPYTER") != "":
		t.Fatal(reason) // whoever names a JupyterLab wants this test to run
	case reason != "":
		t.Skip(reason)
	}
	const name = "00_quickstart.ipynb"
	source, err := notebook.ReadFile(filepath.Join("..", "..", "..", "notebooks", name))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range source.Cells {
		c.Clear()
	}

	l := startLab(t, jupyter, "LATERAL_PROFILE=quick", "LATERAL_MEMO="+t.TempDir())
	if err := source.WriteFile(filepath.Join(l.dir, "work", name)); err != nil {
		t.Fatal(err)
	}
	p := openNotebook(t, chromium, l, name, 10*time.Minute)

	p.runAll(5 * time.Minute)
	p.photograph("page")
	nb := p.read()
	checkCounts(t, nb)
	if n := p.checkPictures(nb); n < 6 {
		t.Errorf("the page shows %d pictures, want six or more", n)
	}
	if n := p.checkTables(nb); n == 0 {
		t.Error("the page compares nothing with a document")
	}

	for i, c := range nb.Cells {
		if len(pictures(c)) > 0 {
			p.run(i)
		}
	}
	again := p.read()
	p.checkPictures(again)
	for i, c := range again.Cells {
		if !slices.Equal(pictures(c), pictures(nb.Cells[i])) {
			t.Errorf("cell %d left other pictures when it remembered than when it computed", i)
		}
	}
}

// findChromium returns the browser, "" if there is none.
func findChromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// A labPage is a browser tab that shows a notebook.
type labPage struct {
	t        *testing.T
	ctx      context.Context
	file     string
	scroller string // an expression for the element that scrolls
}

// openNotebook opens the notebook, for so long, and waits until its kernel has answered.
func openNotebook(t *testing.T, chromium string, l *lab, name string, limit time.Duration) *labPage {
	t.Helper()
	p := openPage(t, chromium, l.page(name), limit)
	p.file, p.scroller = filepath.Join(l.dir, "work", name), panel+`.content.node.querySelector(".jp-WindowedPanel-outer")`
	p.wait(time.Minute, "the kernel", `(async () => {
		const kernel = `+panel+`?.sessionContext?.session?.kernel
		return kernel?.connectionStatus == "connected" && (await kernel.info).status == "ok"
	})()`)
	evaluate[bool](p, `window.jupyterapp.shell.activateById(`+panel+`.id); true`)
	if dialog := evaluate[string](p, `document.querySelector(".jp-Dialog")?.innerText ?? ""`); dialog != "" {
		t.Fatalf("JupyterLab asks: %s", dialog)
	}
	return p
}

// openPage opens an address in a browser of its own.
func openPage(t *testing.T, chromium, address string, limit time.Duration) *labPage {
	t.Helper()
	dir := shortDir(t) // Chromium's socket is in it
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(chromium), chromedp.UserDataDir(filepath.Join(dir, "browser")), chromedp.WindowSize(1400, 1000),
		chromedp.DisableGPU, chromedp.NoSandbox, // the sandbox needs rights that root in a container lacks
		chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Env("TMPDIR="+dir))
	ctx, cancelBrowser := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancelBrowser)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	ctx, cancel := context.WithTimeout(ctx, limit)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatalf("opening %s: %v", address, err)
	}
	return &labPage{t: t, ctx: ctx}
}

// evaluate returns the value of an expression, or what its promise becomes.
func evaluate[T any](p *labPage, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%v, in the page: %s", err, expression)
	}
	return v
}

// wait waits until an expression is true.
func (p *labPage) wait(limit time.Duration, what, expression string) {
	p.t.Helper()
	for deadline := time.Now().Add(limit); !evaluate[bool](p, "Promise.resolve("+expression+
		").then(Boolean)"); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.photograph("waiting")
			p.t.Fatalf("waited %v for %s: %s", limit, what, expression)
		}
	}
}

// panel is the notebook's part of the page, null before it is there.
const panel = `[...window.jupyterapp?.shell?.widgets("main") ?? []].find(w => w.content?.model?.cells)`

// runAll is Run > Run All Cells, until the last cell has ended.
func (p *labPage) runAll(limit time.Duration) {
	p.t.Helper()
	start := time.Now()
	p.execute("notebook:run-all-cells", limit)
	p.t.Logf("all cells ran in %.1f s", time.Since(start).Seconds())
}

// run is Run > Run Selected Cell.
func (p *labPage) run(cell int) {
	p.t.Helper()
	evaluate[bool](p, fmt.Sprintf(`%s.content.activeCellIndex = %d; true`, panel, cell))
	p.execute("notebook:run-cell", 3*time.Minute)
}

// execute runs a command of JupyterLab that runs cells, until the kernel is idle again. No cell may fail.
func (p *labPage) execute(command string, limit time.Duration) {
	p.t.Helper()
	evaluate[bool](p, fmt.Sprintf(
		`window.ended = false; window.jupyterapp.commands.execute(%q).finally(() => { window.ended = true }); true`, command))
	p.wait(limit, "the cells to end", `window.ended && `+panel+`.sessionContext.session.kernel.status == "idle"`)
	p.checkOutputs(p.read())
}

// checkOutputs fails for cells that failed or complained.
func (p *labPage) checkOutputs(nb *notebook.Notebook) {
	p.t.Helper()
	for i, c := range nb.Cells {
		for _, o := range c.Outputs {
			if o.Type == notebook.Error || o.Name == "stderr" {
				p.photograph("failed")
				p.t.Fatalf("cell %d: %s %s %s", i, o.ErrorName, o.ErrorValue, o.Text)
			}
		}
	}
}

// read saves the notebook and returns what the file holds.
func (p *labPage) read() *notebook.Notebook {
	p.t.Helper()
	evaluate[bool](p, panel+`.context.save().then(() => true)`)
	nb, err := notebook.ReadFile(p.file)
	if err != nil {
		p.t.Fatal(err)
	}
	return nb
}

// checkCounts checks that every code cell ran in its turn.
func checkCounts(t *testing.T, nb *notebook.Notebook) {
	t.Helper()
	last := 0
	for i, c := range nb.Cells {
		if c.Type != notebook.Code {
			continue
		}
		if c.ExecutionCount == nil || *c.ExecutionCount <= last {
			t.Fatalf("cell %d did not run after the one before it", i)
		}
		last = *c.ExecutionCount
	}
}

// pictures returns the pictures that a cell left, in base64.
func pictures(c *notebook.Cell) (content []string) {
	for _, o := range c.Outputs {
		if s, ok := o.Data["image/png"].(string); ok {
			content = append(content, strings.TrimSpace(s))
		}
	}
	return content
}

// checkPictures looks at every cell on the page: it must show the pictures that the notebook holds, each with a
// caption. It returns how many there are.
func (p *labPage) checkPictures(nb *notebook.Notebook) (total int) {
	p.t.Helper()
	shown := evaluate[[][]struct {
		Content       string // in base64
		Width, Height int    // in its own pixels
		Shown         int    // width on the page, in CSS pixels
		Hidden        bool   // behind a slider
	}](p, `(async () => {
		const notebook = `+panel+`.content, cells = []
		for (const [i, cell] of notebook.widgets.entries()) {
			await notebook.scrollToItem(i, "start")
			const images = [...cell.outputArea?.node.querySelectorAll(".jp-RenderedImage img") ?? []]
			await Promise.all(images.map(image => image.decode()))
			cells.push(images.map(image => ({
				Content: image.src.replace("data:image/png;base64,", "").trim(),
					Width: image.naturalWidth, Height: image.naturalHeight,
				Shown: Math.round(image.getBoundingClientRect().width), Hidden: image.style.display == "none"})))
		}
		return cells
	})()`)
	for i, c := range nb.Cells {
		var content []string
		for _, picture := range shown[i] {
			content = append(content, picture.Content)
			if picture.Width == 0 || picture.Height == 0 || picture.Shown == 0 && !picture.Hidden {
				p.t.Errorf("cell %d shows an empty picture: %d x %d pixels, %d wide on the page", i, picture.Width, picture.Height,
					picture.Shown)
			}
		}
		if !slices.Equal(content, pictures(c)) {
			p.t.Errorf("cell %d shows %d pictures, which are not the %d that the notebook holds", i, len(content),
				len(pictures(c)))
		}
		total += len(content)
	}
	if captions := p.texts(".lateral-caption"); len(captions) < total || slices.Contains(captions, "") {
		p.t.Errorf("%d pictures have the captions %q", total, captions)
	}
	return total
}

// checkTables checks that the page shows every row in which the notebook sets a document beside this run, and returns
// how many there are.
func (p *labPage) checkTables(nb *notebook.Notebook) (held int) {
	p.t.Helper()
	for _, c := range nb.Cells {
		for _, o := range c.Outputs {
			if table, ok := o.Data[kernelext.VersusMIME].(map[string]any); ok {
				rows, _ := table["rows"].([]any)
				held += len(rows)
			}
		}
	}
	if shown := len(p.texts(".lateral-versus tbody tr")); shown != held {
		p.t.Errorf("the page shows %d rows of Versus tables, the notebook holds %d", shown, held)
	}
	return held
}

// texts returns the texts of the elements in the outputs of cells.
func (p *labPage) texts(selector string) []string {
	p.t.Helper()
	return evaluate[[]string](p,
		fmt.Sprintf(`[...%s.content.node.querySelectorAll(".jp-OutputArea-output %s")].map(e => e.textContent.trim())`, panel,
			selector))
}

// photograph keeps pictures of the page, from the notebook's first cell to its last, in LATERAL_SCREENSHOTS or the
// test's artifacts.
func (p *labPage) photograph(name string) {
	p.t.Helper()
	dir := os.Getenv("LATERAL_SCREENSHOTS")
	if dir == "" {
		dir = p.t.ArtifactDir()
	}
	evaluate[bool](p, `(s => { s.scrollTop = 0; return true })(`+p.scroller+`)`)
	for page, more := 1, true; more; page++ {
		time.Sleep(300 * time.Millisecond) // the page is drawn
		shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			p.t.Fatalf("screenshot: %v", err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%02d.png", name, page)), shot, 0o666); err != nil {
			p.t.Fatal(err)
		}
		more = evaluate[bool](p,
			`(s => { const top = s.scrollTop; s.scrollTop += s.clientHeight - 40; return s.scrollTop > top + 1 })(`+p.scroller+
				`)`)
	}
}
