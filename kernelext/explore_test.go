// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// explorable is a figure with a view.
type explorable struct{ drawn }

func (e explorable) Views() ([]byte, bool) {
	return fmt.Appendf(nil, `{"views":[{"title":%q,"option":{}}]}`, e.Alt), true
}
func (explorable) WriteSVG(w io.Writer) error { _, err := io.WriteString(w, "<svg/>"); return err }
func (explorable) WritePDF(w io.Writer) error { _, err := io.WriteString(w, "%PDF"); return err }

func exploreScenario() {
	for range 2 {
		Explore(explorable{drawn{Alt: "a map", Caption: "look"}})
	}
	current = session{} // as in a later cell
	Explore(explorable{drawn{Alt: "another map"}})
	current = session{} // as when the first cell runs again
	Explore(explorable{drawn{Alt: "a map"}})
}

func framesScenario() {
	Frames("λ", []string{"0", "<b>"}, func(i int) Drawing { return square{40, uint8(100 * i)} })
}

// square is a picture that can be decoded.
type square struct {
	side int
	grey uint8
}

func (s square) Size() (int, int) { return s.side, s.side }
func (s square) WritePNG(w io.Writer) error {
	img := image.NewGray(image.Rect(0, 0, 2*s.side, 2*s.side))
	for i := range img.Pix {
		img.Pix[i] = s.grey
	}
	return png.Encode(w, img)
}

// The script comes from this machine, with the first view; where it is not, or damaged, a line says what happens.
func TestExploreBringsItsScriptOnce(t *testing.T) {
	dir := t.TempDir()
	html := func(k *fakeKernel) (pages []string) {
		for _, d := range k.displays() {
			if page, ok := d.data.Data["text/html"].(string); ok && strings.Contains(page, "<script>") {
				pages = append(pages, page)
			}
		}
		return pages
	}
	var k fakeKernel
	if status := k.run(t, "explore", "LATERAL_DATA="+dir); status != 0 {
		t.Fatal(k.transcript())
	}
	got := k.transcript()
	const want = "interactive views load their script from " +
		"https://cdn.jsdelivr.net/npm/echarts@5.6.0/dist/echarts.min.js: " +
		"Apache ECharts 5.6.0 is not on this machine: `lateral data get echarts` fetches it\n"
	if !strings.Contains(got, want) || !strings.Contains(got, "[a map]\n[look]\n") {
		t.Skipf("a copy of the script is in this module's cache, or: %q", got)
	}
	if n := strings.Count(got, want); n != 2 { // by the first view, and when it is shown again
		t.Errorf("%d lines say so: %q", n, got)
	}
	if pages := html(&k); len(pages) != 4 || pages[0] != pages[1] || !strings.Contains(pages[0], `"", "https://cdn`) {
		t.Errorf("views: %q", pages)
	}

	if err := os.WriteFile(filepath.Join(dir, "echarts.min.js"), []byte("alert(1)"), 0o666); err != nil {
		t.Fatal(err)
	}
	k = fakeKernel{}
	k.run(t, "explore", "LATERAL_DATA="+dir)
	if got := k.transcript(); !strings.Contains(got,
		"has another check sum than it should: `lateral data get echarts` replaces it") {
		t.Errorf("another script: %s", got)
	}
	if pages := html(&k); strings.Contains(pages[0], "alert") {
		t.Error("a script with another check sum is used")
	}
}

// ChartScript packs what was downloaded.
func TestChartScript(t *testing.T) {
	script, err := ChartScript()
	if err != nil {
		t.Skip(err) // tests download nothing
	}
	if packed, err := base64.StdEncoding.DecodeString(script); err != nil ||
		!bytes.HasPrefix(packed, []byte{0x1f, 0x8b}) || len(script) > 500_000 {
		t.Errorf("%d bytes, %v", len(script), err)
	}
	var k fakeKernel
	k.run(t, "explore")
	var with []bool
	for _, d := range k.displays() {
		if page, _ := d.data.Data["text/html"].(string); strings.Contains(page, "<script>") {
			with = append(with, strings.Contains(page, script))
		}
	}
	if !slices.Equal(with, []bool{true, false, false, true}) {
		t.Errorf("the views bring the script: %v", with)
	}
	k = fakeKernel{}
	k.run(t, "explore", "LATERAL_ECHARTS=cdn")
	for _, d := range k.displays() {
		if page, _ := d.data.Data["text/html"].(string); len(page) > 10_000 {
			t.Error("LATERAL_ECHARTS=cdn keeps the script in the notebook")
		}
	}
}

func TestChartAddressIsThatOfTheManifest(t *testing.T) {
	version := strings.TrimSuffix(strings.TrimPrefix(chartLibrary().Archive.Name, "echarts-"), ".tgz")
	if !strings.Contains(chartAddress, "echarts@"+version+"/") ||
		!strings.HasSuffix(chartAddress, chartLibrary().Files[0].Name) {
		t.Errorf("%s is not of version %s", chartAddress, version)
	}
	if got := integrity(chartLibrary()); !strings.HasPrefix(got, "sha256-") || len(got) != 51 {
		t.Errorf("integrity %q", got)
	}
}

func TestFrames(t *testing.T) {
	var k fakeKernel
	if status := k.run(t, "frames"); status != 0 {
		t.Fatal(k.transcript())
	}
	shown := k.displays()
	if len(shown) != 2 {
		t.Fatalf("%d displays: %s", len(shown), k.transcript())
	}
	if want := "λ = 0: Figure λ = <b>: Figure"; shown[0].text != want {
		t.Errorf("strip: %q, want %q", shown[0].text, want)
	}
	strip, err := png.Decode(bytes.NewReader(shown[0].data.Data["image/png"].([]byte)))
	if err != nil || strip.Bounds() != image.Rect(0, 0, 920, 60) {
		t.Fatalf("strip: %v %v", strip.Bounds(), err)
	}
	for x, want := range map[int]uint8{20: 0, 464 + 20: 100, 464 + 60: 255} {
		if got := color.GrayModel.Convert(strip.At(x, 50)).(color.Gray).Y; got != want {
			t.Errorf("column %d of the strip is %d, want %d", x, got, want)
		}
	}
	page := shown[1].data.Data["text/html"].(string)
	if strings.Count(page, "<img") != 2 || !strings.Contains(page, `max="1"`) ||
		!strings.Contains(page, `alt="&lt;b&gt;"`) || strings.Contains(page, "<b>") {
		t.Errorf("slider: %s", page)
	}
	if meta, _ := shown[1].data.Metadata["lateral"].(map[string]any); meta["role"] != "view" {
		t.Errorf("metadata: %v", shown[1].data.Metadata)
	}
}

func TestStripOfManyPicturesLeavesSomeOut(t *testing.T) {
	var names []string
	for range 30 {
		names = append(names, "x")
	}
	bundles, err := frames("epoch", names, func(i int) Drawing { return square{300, uint8(i)} })
	if err != nil {
		t.Fatal(err)
	}
	strip, err := png.Decode(bytes.NewReader(bundles[0].data["image/png"].([]byte)))
	if err != nil {
		t.Fatal(err)
	}
	r := strip.Bounds()
	gray := func(x, y int) uint8 { return color.GrayModel.Convert(strip.At(x, y)).(color.Gray).Y }
	first, last := gray(5, 30), gray(r.Dx()-5, r.Dy()-5)
	if first != 0 || last != 29 {
		t.Errorf("the strip goes from %d to %d, want 0 to 29", first, last)
	}
}

// Figures are kept in every format they have, under names that a cell which runs again uses again.
func TestFiguresAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out", "figures")
	for range 2 {
		var k fakeKernel
		k.run(t, "keep", "LATERAL_FIGURES="+dir)
		const want = "[a map]\n[Figure 4. Weights, of the first 32 hidden units: red excites.]\n[a map]\n"
		if got := k.transcript(); got != want {
			t.Errorf("shown: %q", got)
		}
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range list {
		got = append(got, f.Name())
	}
	const want = "a-map.pdf a-map.png a-map.svg figure-4-weights-of-the-first-32-hidden-units.pdf " +
		"figure-4-weights-of-the-first-32-hidden-units.png figure-4-weights-of-the-first-32-hidden-units.svg"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("kept %s, want %s", s, want)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a-map.svg")); string(b) != "<svg/>" || err != nil {
		t.Errorf("SVG %q, %v", b, err)
	}
	for title, want := range map[string]string{
		"λ": "figure", "": "figure", "a map": "a-map", "No sentence": "no-sentence",
		"Thesis21, figure 3.1. Test accuracy of networks " +
			"with one hidden layer: median, quartiles.": "thesis21-figure-3-1-test-accuracy-of-networks-with-one-hidden-layer",
		"Figure 2. How many images of the test set, of all 10,000, each of the 128 units is active for, " +
			"before and after training.": "figure-2-how-many-images-of-the-test-set-of-all-10-000",
		"Figure 5. Images that a network which was trained with a penalty on activity " +
			"takes for others. Look.": "figure-5-images-that-a-network-which-was-trained-with-a-penalty-on",
	} {
		if got := fileTitle(title); got != want {
			t.Errorf("%q is kept as %s, want %s", title, got, want)
		}
	}
}
