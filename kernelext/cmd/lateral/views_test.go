// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/page"
	"github.com/lateral-ml/lateral/lib/dataset"
)

// The cells of a notebook that has something to explore, to slide and to stop.
var liveCells = []string{`import (
	"time"

	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/lib/figure"
)

%%
var points, images [][]float64
var labels []int
for i := range 60 {
	points = append(points, []float64{float64(i % 8), float64(i / 8)})
	images = append(images, []float64{0, 1, float64(i) / 60, 0})
	labels = append(labels, i%3)
}
classes := figure.ScatterClasses(figure.Axes{X: "a", Y: "b"}, points, labels, []string{"one", "two", "<three>"})
heat := figure.HeatMap(figure.Axes{X: "c", Y: "d", Z: "e"}, [][]float64{{1, 2}, {3, 4}})
kernelext.Explore(figure.Panels(2, figure.WithImages(classes, figure.Tiles{}, images), heat).WithCaption("A map."))
curve := figure.Lines(figure.Axes{X: "a", Y: "b"}, figure.Series{Name: "s", Y: []float64{1, 4, 2}})
kernelext.Explore(curve.WithCaption("A curve."))`,
	`%%
kernelext.Frames("k", []string{"1", "2", "3"}, func(i int) kernelext.Drawing {
	axes := figure.Axes{X: "a", Y: "b", XNames: []string{"x"}, YRange: [2]float64{0, 3}}
	return figure.Bars(axes, figure.Series{Y: []float64{float64(i + 1)}}).WithCaption("Bars.")
})`,
	`import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

%%
digits, _ := dataset.Glyphs(1)
net := nn.NewDense(784, 10, nn.Uniform, tensor.Stream(1, "weights"))
objective := func(b *train.Batch) *autograd.Var { return loss.CrossEntropy(net.Forward(b.X), b.Y) }
kernelext.Train("slow", train.Config{
	Learner: &train.GradientDescent{Model: net, Loss: objective}, Train: digits, Epochs: 2, Key: "linear",
	OnStep: func(*train.Event) { time.Sleep(50 * time.Millisecond) }})
fmt.Println("to the end")`,
	`%%
chosen := kernelext.Slide("ten times", []string{"0", "1", "2"}, func(i int) kernelext.Drawing {
	bars := figure.Bars(figure.Axes{X: "a", Y: "b", XNames: []string{"x"}}, figure.Series{Y: []float64{float64(i + 1)}})
	return bars.WithCaption(fmt.Sprintf("Computed %d.", 10*i))
})
fmt.Println("chose", chosen)`}

// A frontEnd is what differs between the notebooks that the same cells run in.
type frontEnd struct {
	*labPage
	start string // an expression that starts cell %d
	idle  string // whether the kernel is
	stop  string // the stop button
	save  string // whose promise ends when the file is written
}

// frontInLab is JupyterLab, with a notebook open.
func frontInLab(p *labPage) frontEnd {
	return frontEnd{p, `(n => { ` + panel +
		`.content.activeCellIndex = n; window.jupyterapp.commands.execute("notebook:run-cell"); return true })(%d)`,
		panel + `.sessionContext.session.kernel.status == "idle"`,
		`window.jupyterapp.commands.execute("notebook:interrupt-kernel").then(() => true)`,
		panel + `.context.save().then(() => true)`}
}

// frontInClassic is the classic notebook.
func frontInClassic(p *labPage) frontEnd {
	return frontEnd{p, `(n => { Jupyter.notebook.execute_cells([n]); return true })(%d)`,
		classicIdle, `(Jupyter.notebook.kernel.interrupt(), true)`, classicSave}
}

// TestViewsAndStop runs cells in JupyterLab and in the classic notebook: a view opens and draws, pointing at a sample
// shows its image, a class can be hidden, a slider changes the picture, the stop button pauses a training. Then the
// same notebook as a page of its own, without a kernel.
func TestViewsAndStop(t *testing.T) {
	long(t, "runs cells in browsers")
	chromium := findChromium()
	if chromium == "" {
		t.Skip("no Chromium or Chrome on PATH")
	}
	useCharts(t)

	t.Run("JupyterLab", func(t *testing.T) {
		jupyter, reason := jupyterLab4()
		if reason != "" && os.Getenv("LATERAL_JUPYTER") != "" {
			t.Fatal(reason)
		} else if reason != "" {
			t.Skip(reason)
		}
		l := startLab(t, jupyter, "LATERAL_CHECKPOINTS="+t.TempDir())
		l.notebook("live.ipynb", liveCells)
		f := frontInLab(openNotebook(t, chromium, l, "live.ipynb", 8*time.Minute))
		nb := f.live()

		t.Run("page", func(t *testing.T) {
			html, warnings, err := page.Render(nb, page.Options{Charts: kernelext.ChartScript})
			if err != nil || len(warnings) > 0 {
				t.Fatal(err, warnings)
			}
			path := filepath.Join(t.TempDir(), "live.html")
			if err := os.WriteFile(path, html, 0o666); err != nil {
				t.Fatal(err)
			}
			p := openPage(t, chromium, (&url.URL{Scheme: "file", Path: path}).String(), 4*time.Minute)
			p.views()
			p.slides()
			p.snapshot("page", firstView)
		})
	})
	t.Run("classic", func(t *testing.T) {
		classic, reason := classicNotebook()
		if reason != "" {
			t.Skip(reason)
		}
		l := startClassic(t, classic, "LATERAL_CHECKPOINTS="+t.TempDir())
		l.notebook("live.ipynb", liveCells)
		f := frontInClassic(openClassic(t, chromium, l, "live.ipynb", 8*time.Minute))
		f.live()
	})
}

// useCharts sees that kernels and pages find the script of interactive views, and no data but that.
func useCharts(t *testing.T) {
	t.Helper()
	set, _ := data.Lookup("echarts")
	charts := t.TempDir()
	if cache, err := os.UserCacheDir(); err == nil {
		charts = filepath.Join(cache, "lateral-ci")
	}
	if _, err := dataset.Fetch(t.Context(), set, charts, nil); err != nil {
		t.Skip(err)
	}
	t.Setenv("LATERAL_DATA", charts)
}

// classicNotebook returns the classic notebook on PATH, or why there is none.
func classicNotebook() (program, reason string) {
	program, err := exec.LookPath("jupyter-notebook")
	if err == nil {
		var version []byte
		if version, err = exec.Command(program, "--version").Output(); err == nil &&
			!strings.HasPrefix(string(version), "6.") {
			err = fmt.Errorf("%s is version %s", program, version)
		}
	}
	if err != nil {
		return "", fmt.Sprintf("no classic notebook (version 6): %v", err)
	}
	return program, ""
}

// Expressions in a page of the classic notebook.
const (
	classicIdle = `!Jupyter.notebook.kernel_busy && Jupyter.notebook.get_cells().every(c => c.input_prompt_number != "*")`
	classicSave = `Jupyter.notebook.save_notebook().then(() => true)`
)

// openClassic opens a notebook, for so long, and waits until its kernel has answered.
func openClassic(t *testing.T, chromium string, l *lab, name string, limit time.Duration) *labPage {
	t.Helper()
	p := openPage(t, chromium, l.home+"/notebooks/"+name+"?token="+l.key, limit)
	p.file, p.scroller = filepath.Join(l.dir, "work", name), `document.querySelector("#site")`
	p.wait(time.Minute, "the kernel",
		`window.Jupyter?.notebook?.kernel?.is_connected() && Jupyter.notebook.kernel.info_reply.status == "ok"`)
	return p
}

// notebook writes cells for the server.
func (l *lab) notebook(name string, cells []string) {
	nb := sources(cells...)
	nb.Metadata = map[string]any{"kernelspec": map[string]any{
		"name": kernelName, "display_name": kernelDisplay, "language": "go"}}
	if err := nb.WriteFile(filepath.Join(l.dir, "work", name)); err != nil {
		l.t.Fatal(err)
	}
}

// live does with the cells what a person does, and returns the notebook without the training.
func (f *frontEnd) live() *notebook.Notebook {
	for i := range 2 {
		f.begin(i)
		f.wait(2*time.Minute, "a cell to end", fmt.Sprintf("document.querySelectorAll('[data-lateral]').length >= %d && %s",
			i+2, f.idle))
	}
	f.views()
	f.slides()
	f.snapshot(filepath.Base(f.t.Name()), firstView)
	nb := f.written()
	f.computes()

	f.begin(2)
	f.wait(2*time.Minute, "the training", `/slow .* left/.test(document.body.innerText)`)
	start := time.Now()
	evaluate[bool](f.labPage, f.stop)
	f.wait(time.Minute, "the training to stop", f.idle)
	f.t.Logf("stopped after %.1f s", time.Since(start).Seconds())
	if said := outputText(f.written().Cells[2]); !strings.Contains(said, `training "slow" was stopped after step `) ||
		!strings.Contains(said, "is saved: run the cell again") {
		f.t.Errorf("stopped, the cell says %s", said)
	}
	f.begin(2)
	f.wait(2*time.Minute, "the training to end",
		`/to the end/.test(document.body.innerText.replace(/"to the end"/g, "")) && `+f.idle)
	if said := outputText(f.written().Cells[2]); !strings.Contains(said, `training "slow" goes on after step `) {
		f.t.Errorf("run again, the cell says %s", said)
	}
	return nb
}

// computes moves the slider of a cell that runs: the picture that it asks for is drawn by the kernel.
func (f *frontEnd) computes() {
	f.t.Helper()
	f.begin(3)
	says := func(text string) string { return fmt.Sprintf("document.body.innerText.includes(%q)", text) }
	f.wait(2*time.Minute, "the first picture", says("Computed 0."))
	const box = `[...document.querySelectorAll("[data-lateral] button")].find(b => b.textContent == "Done").parentNode`
	start := time.Now()
	evaluate[bool](f.labPage, `(s => { s.value = 2; s.dispatchEvent(new Event("input")); return true })(`+box+
		`.querySelector("input"))`)
	f.wait(time.Minute, "the picture that was asked for", says("Computed 20."))
	f.t.Logf("a picture computed in the kernel came after %.2f s", time.Since(start).Seconds())
	f.snapshot("computed-"+filepath.Base(f.t.Name()), box)
	evaluate[bool](f.labPage, `(`+box+`.querySelector("button").click(), true)`)
	f.wait(time.Minute, "the cell to end", says("ten times = 2. Run the cell again")+" && "+f.idle)
	if said := outputText(f.written().Cells[3]); !strings.Contains(said, "chose 2") ||
		strings.Contains(said, "slider over") {
		f.t.Errorf("the cell holds %s", said)
	}
}

func (f *frontEnd) begin(cell int) {
	f.t.Helper()
	evaluate[bool](f.labPage, fmt.Sprintf(f.start, cell))
}

// written saves the notebook and returns what the file holds.
func (f *frontEnd) written() *notebook.Notebook {
	f.t.Helper()
	evaluate[bool](f.labPage, f.save)
	nb, err := notebook.ReadFile(f.file)
	if err != nil {
		f.t.Fatal(err)
	}
	for i, c := range nb.Cells[:2] {
		for _, o := range c.Outputs {
			if o.Type == notebook.Error || o.Name == "stderr" {
				f.t.Fatalf("cell %d: %s %s %s", i, o.ErrorName, o.ErrorValue, o.Text)
			}
		}
	}
	return nb
}

// outputText is all text of a cell's outputs.
func outputText(c *notebook.Cell) string {
	var b strings.Builder
	for _, o := range c.Outputs {
		plain, _ := o.Data["text/plain"].(string)
		b.WriteString(o.Text + plain + o.ErrorValue + strings.Join(o.Traceback, "\n") + "\n")
	}
	return b.String()
}

// views opens every interactive view and looks at what it draws.
func (p *labPage) views() {
	p.t.Helper()
	const boxes = `[...document.querySelectorAll("details[data-lateral]")]`
	p.wait(time.Minute, "the views to be ready", boxes+`.length == 2 && `+boxes+`.every(d => d.dataset.ready)`)
	evaluate[bool](p, boxes+`.forEach(d => { d.open = true }); true`)
	p.wait(time.Minute, "the views to be drawn", boxes+`.map(d => d.querySelectorAll("svg").length).join() == "2,1"`)
	const drawing = `document.querySelector("details[data-lateral] svg")`
	const chart = `echarts.getInstanceByDom(` + drawing + `.closest("[_echarts_instance_]"))`
	const marks = `[...` + drawing + `.querySelectorAll("path")].filter(e => e.getAttribute("fill") == "%s").length`
	first := fmt.Sprintf(marks, evaluate[string](p, chart+`.getOption().color[0]`))
	if n := evaluate[int](p, first); n < 20 {
		p.t.Errorf("the map shows %d marks of the first class, want 20", n)
	}
	before := evaluate[int](p, first)
	evaluate[bool](p, chart+`.dispatchAction({type: "legendToggleSelect", name: "one"}); true`)
	p.wait(time.Minute, "a hidden class to go", fmt.Sprintf("%s <= %d - 20", first, before))
	evaluate[bool](p, chart+`.dispatchAction({type: "showTip", seriesIndex: 2, dataIndex: 1}); true`)
	p.wait(time.Minute, "the image beside the pointer",
		`[...document.querySelectorAll("details[data-lateral] div")]
			.some(d => d.style.backgroundImage.startsWith('url("data:image/png'))`)
	tip := evaluate[string](p,
		`[...document.querySelectorAll("details[data-lateral] b")].map(b => b.parentNode.textContent).join()`)
	if !strings.Contains(tip, "<three>, sample 5") {
		p.t.Errorf("beside the pointer stands %q", tip)
	}
}

// slides moves the slider.
func (p *labPage) slides() {
	p.t.Helper()
	const pictures = `[...document.querySelectorAll("div[data-lateral] img")]
		.filter(i => i.getBoundingClientRect().width > 0)`
	const shown = pictures + `.map(i => i.alt).join()`
	p.wait(time.Minute, "the slider", shown+` == "1"`)
	first := evaluate[string](p, pictures+`[0].src`)
	evaluate[bool](p, `(s => { s.value = 2; s.dispatchEvent(new Event("input")); return true })(
		document.querySelector("div[data-lateral] input"))`)
	if now := evaluate[string](p, shown); now != "3" {
		p.t.Errorf("the slider at its end shows picture %q", now)
	}
	if evaluate[string](p, pictures+`[0].src`) == first {
		p.t.Error("the slider shows the same picture as before")
	}
	n := evaluate[int](p, `[...document.querySelectorAll("img")].filter(i => i.style.display == "none" &&
		i.src.startsWith("data:image/png") && !i.closest("[data-lateral]")).length`)
	if n != 1 {
		p.t.Errorf("%d strips are hidden, want 1", n)
	}
}

// firstView is the element of the first interactive view.
const firstView = `document.querySelector("details[data-lateral]")`

// snapshot keeps a picture of the page where an element begins.
func (p *labPage) snapshot(name, element string) {
	p.t.Helper()
	dir := os.Getenv("LATERAL_SCREENSHOTS")
	if dir == "" {
		dir = p.t.ArtifactDir()
	}
	evaluate[bool](p, element+`.scrollIntoView(); true`)
	time.Sleep(300 * time.Millisecond) // the page is drawn
	shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatalf("screenshot: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "views-"+name+".png"), shot, 0o666); err != nil {
		p.t.Fatal(err)
	}
}
