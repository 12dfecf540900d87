// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/lateral-ml/lateral/kernelext/internal/playground"
	"github.com/lateral-ml/lateral/kernelext/internal/site"
	"golang.org/x/net/html"
)

// TestSite makes the site of this checkout and looks at it as a visitor does: links, sizes, and in a browser every page
// and every playground.
func TestSite(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the playgrounds and renders every notebook")
	}
	dir := t.TempDir()
	if _, _, err := makeSite(t.Context(), ".", dir, func(note string) { t.Log(note) }); err != nil {
		t.Fatal(err)
	}
	t.Run("links", func(t *testing.T) { checkLinks(t, dir) })
	t.Run("sizes", func(t *testing.T) { checkSizes(t, dir) })
	t.Run("pages", func(t *testing.T) { checkPages(t, dir) })
	t.Run("search", func(t *testing.T) { checkSearch(t, dir) })
	t.Run("served", func(t *testing.T) { checkServed(t, dir) })
	t.Run("static", func(t *testing.T) { checkStatic(t, dir) })
	t.Run("phone", func(t *testing.T) { checkPhone(t, dir) })
	t.Run("dark", func(t *testing.T) { checkDark(t, dir) })
	t.Run("theme", func(t *testing.T) { checkTheme(t, dir) })
	for _, demo := range playground.Demos() {
		t.Run("playground/"+demo.Name, func(t *testing.T) { operate(t, dir, demo) })
	}
}

// pagesOf returns the pages of a site, by their address below it.
func pagesOf(t *testing.T, dir string) map[string]*html.Node {
	t.Helper()
	pages := map[string]*html.Node{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".html" {
			return err
		}
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		defer f.Close()
		pages[name], err = html.Parse(f)
		return err
	})
	if err != nil || len(pages) < 50 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	return pages
}

// attributes calls a function for every attribute of a page.
func attributes(n *html.Node, do func(element, key, value string)) {
	for _, a := range n.Attr {
		do(n.Data, a.Key, a.Val)
	}
	for c := range n.ChildNodes() {
		attributes(c, do)
	}
}

// checkLinks follows every link: what is in the site exists, with its anchor; scripts, styles and pictures are in it.
func checkLinks(t *testing.T, dir string) {
	pages := pagesOf(t, dir)
	anchors := map[string][]string{}
	for name, root := range pages {
		attributes(root, func(_, key, value string) {
			if key == "id" {
				anchors[name] = append(anchors[name], value)
			}
		})
	}
	followed := 0
	for name, root := range pages {
		attributes(root, func(element, key, value string) {
			if key == "content" && strings.Contains(value, "connect-src") && !strings.Contains(value, "connect-src 'none'") {
				t.Errorf("%s may ask the network: %s", name, value)
			}
			if key != "href" && key != "src" {
				return
			}
			u, err := url.Parse(value)
			switch {
			case err != nil:
				t.Errorf("%s: %q: %v", name, value, err)
			case u.Scheme == "data":
			case u.Scheme != "":
				if element != "a" {
					t.Errorf("%s: <%s> needs the network: %q", name, element, value)
				}
			default:
				followed++
				target := name
				if u.Path != "" {
					target = path.Join(path.Dir(name), u.Path)
				}
				if _, err := os.Stat(filepath.Join(dir, target)); err != nil {
					t.Errorf("%s leads to %q: %v", name, value, err)
				} else if u.Fragment != "" && path.Ext(target) == ".html" && !slices.Contains(anchors[target], u.Fragment) {
					t.Errorf("%s leads to %q, which has no such place", name, value)
				}
			}
		})
	}
	if followed < 1000 {
		t.Errorf("only %d links were followed", followed)
	}
}

// checkSizes holds what a visitor loads to its limits.
func checkSizes(t *testing.T, dir string) {
	total := int64(0)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		limit := int64(6 << 20) // a notebook with its figures
		switch {
		case strings.HasSuffix(name, "program.js"):
			limit = site.MaxProgram*4/3 + 1<<16 // in base64, with the script that starts it
		case strings.HasSuffix(name, ".safetensors.js"), strings.HasSuffix(name, ".gz.js"):
			limit = site.MaxData*4/3 + 100
		case strings.HasSuffix(name, "index.js"):
			limit = 4 << 20
		}
		if info.Size() > limit {
			t.Errorf("%s has %d bytes, more than %d", name, info.Size(), limit)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the site has %.1f MB", float64(total)/1e6)
	if total > 60e6 {
		t.Errorf("the site has %d bytes", total)
	}
}

// A visit is a browser tab that keeps what pages complain about.
type visit struct {
	*labPage
	mu     sync.Mutex
	faults []string
}

// newVisit opens a tab, or skips the test if there is no browser.
func newVisit(t *testing.T) *visit {
	t.Helper()
	chromium := findChromium()
	if chromium == "" {
		t.Skip("no Chromium or Chrome on PATH: install one (Debian: apt-get install chromium)")
	}
	v := &visit{labPage: openPage(t, chromium, "about:blank", 5*time.Minute)}
	v.scroller = "document.scrollingElement"
	messages := chromedp.Console(v.ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.IsException() || m.Type == "error" || m.Type == "warning" {
				v.mu.Lock()
				v.faults = append(v.faults, m.String())
				v.mu.Unlock()
			}
		}
	}()
	return v
}

// open goes to an address. A page that complained before fails the test.
func (v *visit) open(address string) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, chromedp.Navigate(address)); err != nil {
		v.t.Fatalf("opening %s: %v", address, err)
	}
}

// quiet fails for what pages complained about since the last call.
func (v *visit) quiet(where string) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, fault := range v.faults {
		v.t.Errorf("%s: the page complains: %s", where, fault)
	}
	v.faults = nil
}

// file returns the address of a page on the disk.
func file(dir, name string) string {
	return (&url.URL{Scheme: "file", Path: path.Join(filepath.ToSlash(dir), name)}).String()
}

// checkPages opens every page from the disk: none logs an error, each can be used by keys and is as wide as the screen.
func checkPages(t *testing.T, dir string) {
	v := newVisit(t)
	slowest := 0.0
	for name := range pagesOf(t, dir) {
		v.open(file(dir, name))
		if strings.HasPrefix(name, "playground/") && name != "playground/index.html" {
			v.wait(20*time.Second, "the playground", `document.querySelector("[data-playground]").dataset.ready == "yes"`)
		}
		if evaluate[bool](v.labPage, `document.documentElement.scrollWidth > innerWidth + 1`) {
			t.Errorf("%s is wider than the window", name)
		}
		if !evaluate[bool](v.labPage, `[...document.querySelectorAll(
			"main button, main canvas.pad, main input, main select")].every(e => e.tabIndex >= 0)`) {
			t.Errorf("%s has a control that keys do not reach", name)
		}
		painted := evaluate[float64](v.labPage, `(async () => {
			for (let i = 0; i < 50 && !performance.getEntriesByName("first-contentful-paint").length; i++)
				await new Promise(done => setTimeout(done, 50))
			return performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1
		})()`)
		slowest = max(slowest, painted)
		v.quiet(name)
	}
	t.Logf("first contentful paint of the slowest page after %.0f ms", slowest)
}

// checkSearch searches and filters as a reader does.
func checkSearch(t *testing.T, dir string) {
	v := newVisit(t)
	v.open(file(dir, "search.html"))
	if err := chromedp.Do(v.ctx, chromedp.SendKeys("input[type=search]", "lifetime sparsity")); err != nil {
		t.Fatal(err)
	}
	v.wait(5*time.Second, "hits", `document.querySelectorAll(".hits li").length > 3`)
	if first := evaluate[string](v.labPage, `document.querySelector(".hits").textContent`); !strings.Contains(
		strings.ToLower(first), "winner-take-all") {
		t.Errorf("the search for lifetime sparsity finds %.300q", first)
	}
	v.photograph("search")
	v.open(file(dir, "results.html"))
	all := evaluate[int](v.labPage, `document.querySelectorAll("tbody tr:not([hidden])").length`)
	if err := chromedp.Do(v.ctx, chromedp.SendKeys("input[type=search]", "gabors")); err != nil {
		t.Fatal(err)
	}
	some := evaluate[int](v.labPage, `document.querySelectorAll("tbody tr:not([hidden])").length`)
	if some == 0 || some >= all {
		t.Errorf("the filter leaves %d of %d rows", some, all)
	}
	v.photograph("results")
	v.quiet("search")
}

// checkServed opens the site below a path of a server, and follows a link by a click.
func checkServed(t *testing.T, dir string) {
	mux := http.NewServeMux()
	mux.Handle("/some/course/", http.StripPrefix("/some/course/", http.FileServer(http.Dir(dir))))
	server := httptest.NewServer(mux)
	defer server.Close()
	v := newVisit(t)
	v.open(server.URL + "/some/course/index.html")
	v.photograph("landing")
	// A click into a page that still scrolls misses.
	evaluate[bool](v.labPage, `scrollTo({top: 0, behavior: "instant"}); true`)
	if err := chromedp.Do(v.ctx, chromedp.Click("main a[href='playground/index.html']")); err != nil {
		t.Fatal(err)
	}
	v.wait(10*time.Second, "the playgrounds", `document.querySelector("h1")?.textContent == "Playgrounds"`)
	for _, name := range []string{"course", "gallery", "api/lib.competitive", "notebooks/00_quickstart",
		"playground/index"} {
		v.open(server.URL + "/some/course/" + name + ".html")
		if os.Getenv("LATERAL_SCREENSHOTS") != "" {
			v.photograph("site-" + path.Base(name))
		}
	}
	v.open(server.URL + "/some/course/playground/pursuit.html")
	v.wait(20*time.Second, "an answer", `/explain/.test(document.querySelector(".answer")?.textContent)`)
	v.quiet("served")
}

// TestServeSite shows a folder at an address of this machine until it is told to stop.
func TestServeSite(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("<h1>Lateral</h1>"), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	cmd, done := siteCommand(), make(chan error, 1)
	said, says := io.Pipe()
	cmd.SetContext(ctx)
	cmd.SetOut(says)
	go func() { done <- serveSite(cmd, dir, 0) }()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address, _, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Errorf("the site is shown at %q", line)
	}
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if content, err := io.ReadAll(answer.Body); err != nil || string(content) != "<h1>Lateral</h1>" {
		t.Errorf("the page is %q, %v", content, err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("stopped: %v", err)
	}
}

// checkStatic opens the playgrounds in a browser that runs no scripts: a picture of each at work stays.
func checkStatic(t *testing.T, dir string) {
	v := newVisit(t)
	if _, err := chromedp.Call(v.ctx, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	for _, demo := range playground.Demos() {
		v.open(file(dir, "playground/"+demo.Name+".html"))
		if width := evaluate[int](v.labPage, `document.querySelector(".still img")?.naturalWidth ?? 0`); width < 400 {
			t.Errorf("%s: the picture that stands for the playground is %d pixels wide", demo.Name, width)
		}
	}
	v.quiet("without scripts")
}

// checkPhone opens pages on a small screen: nothing is wider than it, so that a finger scrolls in one direction only.
func checkPhone(t *testing.T, dir string) {
	v := newVisit(t)
	if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(390, 844)); err != nil {
		t.Fatal(err)
	}
	names := []string{"index.html", "course.html", "results.html", "notebooks/00_quickstart.html", "api/lib.nn.html"}
	for _, demo := range playground.Demos() {
		names = append(names, "playground/"+demo.Name+".html")
	}
	for _, name := range names {
		v.open(file(dir, name))
		v.wait(20*time.Second, "the playground", `document.querySelector("[data-playground]:not([data-ready])") == null`)
		if width := evaluate[int](v.labPage, `document.documentElement.scrollWidth`); width > 391 {
			t.Errorf("%s is %d pixels wide on a screen of 390", name, width)
		}
	}
	v.photograph("phone")
	v.quiet("on a phone")
}

// checkDark opens pages for a reader who prefers dark ones: paper is darker than ink, on the canvases as well.
func checkDark(t *testing.T, dir string) {
	v := newVisit(t)
	if _, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}); err != nil {
		t.Fatal(err)
	}
	v.open(file(dir, "playground/draw.html"))
	v.wait(20*time.Second, "the playground", `document.querySelector("[data-playground]").dataset.ready == "yes"`)
	dark := evaluate[[]int](v.labPage, `(() => {
		const corner = document.querySelector("canvas.pad").getContext("2d").getImageData(2, 2, 1, 1).data
		const page = getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).map(Number)
		return [...page, ...corner.slice(0, 3)]
	})()`)
	if slices.Max(dark) > 60 {
		t.Errorf("page and canvas have the colours %v", dark)
	}
	v.photograph("dark")
	v.quiet("dark")
}

// checkTheme chooses dark pages by a key: pages of the site, of notebooks and of playgrounds remember that, paper stays
// white, and who goes back to the system's colours follows the system again.
func checkTheme(t *testing.T, dir string) {
	v := newVisit(t)
	system := func(media, scheme string) {
		if _, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media,
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
			t.Fatal(err)
		}
	}
	paper := func(where string, dark bool) {
		t.Helper()
		want := map[bool]string{true: "rgb(13, 17, 23)", false: "rgb(255, 255, 255)"}[dark]
		v.wait(5*time.Second, "the colour of "+where, `getComputedStyle(document.body).backgroundColor == "`+want+`"`)
	}
	press := func() {
		t.Helper()
		if err := chromedp.Do(v.ctx, chromedp.Focus("button.theme"), chromedp.KeyEvent(kb.Enter)); err != nil {
			t.Fatal(err)
		}
	}
	system("", "light")
	v.open(file(dir, "index.html"))
	paper("the first page", false)
	press()
	paper("the first page after the key", true)
	v.open(file(dir, "notebooks/01_sparse_coding.html"))
	paper("a notebook", true)
	code := evaluate[string](v.labPage, `getComputedStyle(document.querySelector(".chroma .kd, .chroma .k")).color`)
	if code != "rgb(255, 123, 114)" {
		t.Errorf("keywords of dark code are %s", code)
	}
	system("print", "light")
	paper("a printed notebook", false)
	system("", "light")
	v.open(file(dir, "playground/norm.html"))
	v.wait(20*time.Second, "the playground", `document.querySelector("[data-playground]").dataset.ready == "yes"`)
	paper("a playground", true)
	const ink = `document.querySelector("figure.lines canvas").getContext("2d").getImageData(0, 0, 640, 230).data
		.reduce((most, value, i) => i % 4 < 3 ? Math.max(most, value) : most, 0)`
	if light := evaluate[int](v.labPage, ink); light < 200 {
		t.Errorf("the lightest ink of a dark drawing is %d", light)
	}
	press()
	paper("a playground after the key", false)
	mark := evaluate[string](v.labPage, `getComputedStyle(document.documentElement).getPropertyValue("--mark").trim()`)
	if mark != "#0a7d33" {
		t.Errorf("marks of a light drawing are %s", mark)
	}
	system("", "dark")
	paper("a page of a reader without a choice", true)
	press()
	v.open(file(dir, "results.html"))
	paper("a light page on a dark system", false)
	v.quiet("theme")
}
