// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/lateral-ml/lateral/kernelext/internal/playground"
	"github.com/lateral-ml/lateral/kernelext/internal/playground/data"
)

// operate uses a playground by pointer, touch and keys, and holds its answers to what the net must say.
func operate(t *testing.T, dir string, demo playground.Demo) {
	p := &player{visit: newVisit(t), demo: demo}
	start := time.Now()
	p.open(file(dir, "playground/"+demo.Name+".html"))
	p.wait(20*time.Second, "the playground", `document.querySelector("[data-playground]").dataset.ready == "yes"`)
	t.Logf("ready after %.2f s, of which the page took %.2f s", time.Since(start).Seconds(),
		evaluate[float64](p.labPage, `performance.now() / 1000`))
	if evaluate[bool](p.labPage, `document.querySelector(".still") != null`) {
		t.Error("the static picture is still there beside the live playground")
	}
	play, ok := map[string]func(*player){"penalty": playPenalty, "pursuit": playPursuit, "hebbian": playHebbian,
		"winners": playWinners, "draw": playDraw, "render": playRender, "norm": playNorm, "prune": playPrune,
		"oneshot": playOneshot}[demo.Name]
	if !ok {
		t.Fatalf("nobody plays with %s", demo.Name)
	}
	play(p)
	if dir := os.Getenv("LATERAL_SCREENSHOTS"); dir != "" {
		shot, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "playground-"+demo.Name+".png"), shot, 0o666)
		}
		if err == nil { // the picture for readers without scripts: see package data
			shot, err = chromedp.Run(p.ctx, chromedp.Screenshot("div.playground"))
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, demo.Name+".png"), shot, 0o666)
		}
		if err != nil {
			t.Error(err)
		}
	}
	p.quiet(demo.Name)
}

// A player is who uses a playground.
type player struct {
	*visit
	demo playground.Demo
}

// id is the selector of a control.
func (p *player) id(control string) string { return "#" + p.demo.Name + "-" + control }

// answer returns the sentence that the playground says.
func (p *player) answer() string {
	p.t.Helper()
	return evaluate[string](p.labPage, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
		done(document.querySelector(".answer").textContent))))`)
}

// says fails unless the answer fits a pattern soon, and returns the numbers in the pattern's groups. The limit is that
// of a quiet machine; a busy one has twenty seconds more.
func (p *player) says(limit time.Duration, pattern string) []float64 {
	p.t.Helper()
	form := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(limit + 20*time.Second); ; time.Sleep(50 * time.Millisecond) {
		text := p.answer()
		if m := form.FindStringSubmatch(text); m != nil {
			var numbers []float64
			for _, group := range m[1:] {
				n, err := strconv.ParseFloat(group, 64)
				if err != nil {
					p.t.Fatal(err)
				}
				numbers = append(numbers, n)
			}
			return numbers
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the answer is %q, which does not fit %q", text, pattern)
		}
	}
}

func (p *player) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// press clicks a button.
func (p *player) press(control string) { p.t.Helper(); p.do(chromedp.Click(p.id(control))) }

// slide moves a slider by a key, a number of times.
func (p *player) slide(control, key string, times int) {
	p.t.Helper()
	p.do(chromedp.Focus(p.id(control)))
	for range times {
		p.do(chromedp.KeyEvent(key))
	}
}

// drag moves a slider to a value at once, as a pointer does.
func (p *player) drag(control string, value float64) {
	p.t.Helper()
	evaluate[bool](p.labPage, fmt.Sprintf(`(s => {
		s.value = %v
		return s.dispatchEvent(new Event("input", {bubbles: true}))
	})(document.querySelector(%q))`, value, p.id(control)))
}

// choose takes a choice by its text, as a reader who opens the list.
func (p *player) choose(control, text string) {
	p.t.Helper()
	if !evaluate[bool](p.labPage, fmt.Sprintf(`(s => {
		const i = [...s.options].findIndex(o => o.text == %q)
		s.value = i
		s.dispatchEvent(new Event("input", {bubbles: true}))
		return i >= 0
	})(document.querySelector(%q))`, text, p.id(control))) {
		p.t.Fatalf("%s has no choice %q", control, text)
	}
}

// pad returns where the pad is on the screen.
func (p *player) pad() (left, top, side float64) {
	p.t.Helper()
	r := evaluate[[]float64](p.labPage, `(pad => {
		pad.scrollIntoView({block: "center", behavior: "instant"})
		const r = pad.getBoundingClientRect()
		return [r.left, r.top, r.width]
	})(document.querySelector("canvas.pad"))`)
	return r[0], r[1], r[2]
}

// stroke draws a line through points, in shares of the pad's side, by the mouse.
func (p *player) stroke(points ...[2]float64) {
	p.t.Helper()
	left, top, side := p.pad()
	at := func(i int) (x, y float64) { return left + points[i][0]*side, top + points[i][1]*side }
	x, y := at(0)
	p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, chromedp.ButtonLeft))
	for i := range points {
		x, y = at(i)
		p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y, chromedp.ButtonLeft))
	}
	p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, x, y, chromedp.ButtonLeft))
}

// ring is a nought.
func ring() (points [][2]float64) {
	for i := range 25 {
		a := 2 * math.Pi * float64(i) / 24
		points = append(points, [2]float64{0.5 + 0.2*math.Sin(a), 0.5 - 0.32*math.Cos(a)})
	}
	return points
}

// The penalty is cheap to pay at first, and then units fall silent while the net still knows the digits.
func playPenalty(p *player) {
	p.says(time.Second, `untrained`)
	p.press("train")
	before := p.says(time.Minute, `^Step (?:[3-9]\d\d|\d{4,})\. ([7-9]\d\.\d) %.*; ([\d.]+) of 64 units are active`)
	p.slide("lambda", kb.End, 1) // End: 0.1
	after := p.says(2*time.Minute, `; ([0-9]\.\d) of 64 units are active for an image; ([2-5]\d) units are dead`)
	if after[0] > before[1]/2 {
		p.t.Errorf("%.1f units are active under the penalty, %.1f without", after[0], before[1])
	}
	p.slide("lambda", kb.Home, 1) // 0: the living units are active for more images again, the dead ones stay dead
	back := p.says(2*time.Minute, `; (?:[6-9]|1\d)\.\d of 64 units are active for an image; (\d+) units are dead`)
	if back[0] < after[1]-5 {
		p.t.Errorf("%v units were dead under the penalty, %v are without", after[1], back[0])
	}
	p.press("train") // pause
	first, second := p.answer(), p.answer()
	if first != second {
		p.t.Errorf("the net learns on after the pause: %q, then %q", first, second)
	}
}

// More atoms explain more; a larger lambda leaves fewer.
func playPursuit(p *player) {
	before := p.says(time.Second, `^(\d+) of 144 atoms explain ([\d.]+) %`)
	p.slide("atoms", kb.ArrowRight, 5) // right
	after := p.says(time.Second, `^(\d+) of 144 atoms explain ([\d.]+) %`)
	if after[0] != before[0]+5 || after[1] <= before[1] {
		p.t.Errorf("five atoms more: from %v to %v", before, after)
	}
	p.press("clear")
	p.says(time.Second, "no contrast")
	p.stroke([][2]float64{{0.2, 0.2}, {0.8, 0.8}}...)
	drawn := p.says(time.Second, `^8 of 144 atoms explain ([\d.]+) %`)
	if drawn[0] < 50 {
		p.t.Errorf("eight atoms explain %v %% of a stroke", drawn[0])
	}
	p.choose("method", "lasso")
	many := p.says(time.Second, `^(\d+) of 144 atoms`)
	p.slide("lambda", kb.ArrowRight, 20)
	few := p.says(time.Second, `^(\d+) of 144 atoms`)
	if few[0] >= many[0] || few[0] == 0 {
		p.t.Errorf("a larger lambda leaves %v of %v atoms", few[0], many[0])
	}
	p.choose("example", "leaves 2")
}

// A few thousand images bring the units to the sphere.
func playHebbian(p *player) {
	p.says(time.Second, `^0 updates; 0 of 25`)
	p.press("one")
	p.says(time.Second, `^1 updates; .* won and learnt`)
	for range 5 {
		p.press("thousand")
	}
	got := p.says(time.Minute, `^5001 updates; (\d+) of 25 units`)
	if got[0] < 20 {
		p.t.Errorf("only %v of 25 units have reached the sphere", got[0])
	}
	if won := p.says(time.Second, `; (\d+) units won for the last thousand images`); won[0] < 20 {
		p.t.Errorf("only %v units win", won[0])
	}
	p.slide("k", kb.ArrowRight, 3)
	p.press("one")
	p.says(time.Second, `of rank 5, unlearnt`)
}

// Every axis of competition leaves the numbers of winners that define it.
func playWinners(p *player) {
	p.choose("axis", "the units of an image")
	p.says(time.Second, `^6 of 64 units win for your image, 6\.0 for`)
	p.choose("axis", "the images of a unit (lifetime)")
	got := p.says(time.Second, `units win for your image, ([\d.]+) for an image on average`)
	if got[0] > 6.4 || got[0] < 4 { // 5 of 50 images for each of 64 units, less those of dead units
		p.t.Errorf("lifetime sparsity leaves %v units for an image", got[0])
	}
	p.choose("axis", "the positions of a map (spatial)")
	spatial := p.says(5*time.Second, `^(\d+) of 16 maps win`)
	p.choose("axis", "positions, then images (both)")
	both := p.says(5*time.Second, `of 16 maps win for your image, ([\d.]+) for`)
	if spatial[0] < 12 || both[0] > 1.6 {
		p.t.Errorf("%v maps win spatially, %v after lifetime sparsity", spatial[0], both[0])
	}
	p.choose("axis", "the images of a unit (lifetime)")
	p.slide("share", kb.End, 1) // End: 60 %
	p.press("clear")
	p.says(time.Second, "^Draw a digit")
	p.stroke(ring()...)
	p.says(time.Second, `units win for your image.*The reconstruction has \d\d\.\d dB`)
}

// All nets read a drawn digit, by mouse and by keys, and find neighbours of its class.
func playDraw(p *player) {
	p.says(time.Second, "predicts 3 ")
	for _, rule := range []string{"ReLU", "LWTA", "maxout"} {
		p.choose("rule", rule)
		p.press("clear")
		p.says(time.Second, "^Draw a digit")
		p.stroke(ring()...)
		p.says(time.Second, "The "+rule+" net predicts 0 ")
	}
	p.says(time.Second, "32 of its 64 units win")
	p.press("clear")
	left, top, side := p.pad()
	p.do(chromedp.TapXY(left+side/2, top+side/2))
	p.says(2*time.Second, "predicts") // a finger draws, too
	p.press("clear")
	p.do(chromedp.Focus("canvas.pad"))
	for range 17 {
		p.do(chromedp.KeyEvent(kb.ArrowDown, chromedp.KeyModifiers(chromedp.ModifierShift))) // down
	}
	p.says(time.Second, "predicts 1 ")
	p.press("clear")
	p.stroke(ring()...)
}

// The model infers what was drawn; rendered as another class, the image fits less well.
func playRender(p *player) {
	p.says(time.Second, "infers a 2 ")
	p.press("clear")
	p.stroke(ring()...)
	own := p.says(2*time.Second, `infers a 0 .*Rendered as a 0, the image has ([\d.]+) dB`)
	p.choose("class", "1")
	other := p.says(time.Second, `infers a 0 .*Rendered as a 1, the image has ([-\d.]+) dB`)
	if other[0] >= own[0] {
		p.t.Errorf("rendered as a 1, a nought has %v dB, as a 0 it has %v", other[0], own[0])
	}
	p.choose("class", "as inferred")
}

// Only a local normaliser brings the dim half back.
func playNorm(p *player) {
	local := p.says(time.Second, `is ([\d.]+) % as strong .*divisive.*, and ([\d.]+) % without`)
	p.choose("norm", "layer (whole image)")
	layer := p.says(time.Second, `is ([\d.]+) % as strong .*layer`)
	if local[0] < 2*local[1] || math.Abs(layer[0]-local[1]) > 5 {
		p.t.Errorf("the right half has %v %% behind a window, %v %% behind a layer, %v %% before", local[0], layer[0],
			local[1])
	}
	p.choose("norm", "divisive (window)")
	p.slide("sigma", kb.End, 1)
	if weak := p.says(time.Second, `is ([\d.]+) % as strong`); weak[0] >= local[0] {
		p.t.Errorf("a large sigma leaves %v %%, a small one %v %%", weak[0], local[0])
	}
	p.drag("sigma", 0.02) // left
}

// Size keeps the net right with a third of its weights, chance does not, and retraining mends much. The clock runs.
func playPrune(p *player) {
	pattern := `remain: ([\d.]+) % .*take ([\d.]+) ms .* and ([\d.]+) ms`
	whole := p.says(10*time.Second, `101632 of 101632 weights `+pattern)
	if whole[0] < 90 {
		p.t.Errorf("the whole net is right for %v %%", whole[0])
	}
	p.drag("keep", 35)
	p.slide("keep", kb.ArrowLeft, 1)
	large := p.says(20*time.Second, `^34555 of .*`+pattern)
	p.choose("score", "drawn at random")
	chance := p.says(20*time.Second, `^34555 of .*`+pattern)
	if large[0] < whole[0]-10 || chance[0] > large[0]-20 {
		p.t.Errorf("right: %v %% of the digits with all weights, %v %% with the largest third, %v %% with a random third",
			whole[0], large[0], chance[0])
	}
	p.choose("score", "large")
	p.says(20*time.Second, `^34555 of .*`+pattern)
	p.drag("keep", 10)
	few := p.says(20*time.Second, `^10163 of .*`+pattern)
	if few[2] >= few[1] {
		p.t.Errorf("a tenth of the weights takes %v ms, all take %v ms", few[2], few[1])
	}
	p.press("retrain")
	p.says(5*time.Second, `retraining`)
	mended := p.says(time.Minute, `^10163 of .*`+pattern)
	if mended[0] < few[0]+20 {
		p.t.Errorf("retraining a tenth of the weights brings %v %% from %v %%", mended[0], few[0])
	}
}

// The net in the page answers trials as the same net does in this program, whether the person chooses by a key, the
// mouse, a finger or a button; both scores are counted, and rounds follow each other.
func playOneshot(p *player) {
	files := playground.Files{}
	for _, name := range p.demo.Files {
		content, err := data.Files.ReadFile(name)
		if err != nil {
			p.t.Fatal(err)
		}
		files[name] = content
	}
	here, err := p.demo.Start(files)
	if err != nil {
		p.t.Fatal(err)
	}
	does := func(control string, value float64) { // what the page was asked for
		if err := here.Do(playground.Event{Control: control, Value: value}); err != nil {
			p.t.Fatal(err)
		}
	}
	answer := regexp.MustCompile(`trial (\d) of 5: you chose (\d), \w+\. The net chose (\d), \w+: ` +
		`its cosine is (\d\.\d+)[.,].* Score: you (\d+), the net (\d+), of (\d+)\.`)
	compare := func(choice int) (score []float64) {
		does("choice", float64(choice-1))
		for here.Work() {
		}
		want := answer.FindStringSubmatch(here.Views()[0].Text)
		if want == nil {
			p.t.Fatalf("the net says %q here", here.Views()[0].Text)
		}
		got := p.says(5*time.Second, answer.String())
		for i, text := range want[1:] {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil || !(math.Abs(got[i]-n) < 0.003) { // kernels of browsers add in another order
				p.t.Errorf("the page answers %v, the net here %v", got, want[1:])
			}
		}
		return got[4:]
	}
	next := func() { p.do(chromedp.KeyEvent("n")); does("next", 1) }
	place := func(image float64) (x, y float64) { // of a picture to choose, on the screen
		r := evaluate[[]float64](p.labPage, `(canvas => {
			canvas.scrollIntoView({block: "center", behavior: "instant"})
			const r = canvas.getBoundingClientRect()
			return [r.left, r.top, r.width, r.height]
		})(document.querySelector("figure.pick canvas"))`)
		return r[0] + r[2]*(image-0.5)/5, r[1] + r[3]/2
	}

	p.says(time.Second, `^Round 1 of 4, different class, trial 1 of 5: which picture`)
	p.do(chromedp.KeyEvent("3"))
	compare(3)
	next()
	p.do(chromedp.MouseClickXY(place(2)))
	compare(2)
	next()
	p.do(chromedp.TapXY(place(4)))
	compare(4)
	next()
	p.do(chromedp.Focus(p.id("choice")+"-5"), chromedp.KeyEvent(kb.Enter))
	compare(5)
	next()
	p.do(chromedp.KeyEvent("1"))
	score := compare(1)
	if score[1] == 0 || score[2] != 5 {
		p.t.Errorf("after a round the score is %v", score)
	}
	next()
	p.says(time.Second, `^Round 2 of 4, different superclass, trial 1 of 5`)
	if round := evaluate[string](p.labPage, fmt.Sprintf(`document.querySelector(%q).selectedOptions[0].text`,
		p.id("round"))); round != "different superclass" {
		p.t.Errorf("the list shows the round %q", round)
	}
	p.choose("round", "stick figures")
	does("round", 3)
	p.do(chromedp.KeyEvent("1"))
	score = compare(1)
	want := fmt.Sprint(append(score[:2:2], score[2]))
	cells := evaluate[[]float64](p.labPage, `[...document.querySelector(".playground table tr:last-child").cells]
		.filter((_, i) => [1, 2, 4].includes(i)).map(cell => +cell.textContent)`)
	if got := fmt.Sprint(cells); got != want {
		p.t.Errorf("the table's last row has %v, the answer %v", got, want)
	}
	p.press("again")
	does("again", 1)
	p.says(time.Second, `^Round 1 of 4, .*trial 1 of 5: which`)
	p.do(chromedp.KeyEvent("3"))
	if score = compare(3); score[2] != 1 {
		p.t.Errorf("a new game begins with %v trials", score[2])
	}
}
