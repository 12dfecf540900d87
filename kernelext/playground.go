// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"fmt"
	"html"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/lib/dataset"
)

// Playground shows a playground of the course, in which the library runs in the reader's browser: a picture of it at
// work, and below it a caption that ends with a link to the live one. The picture is the same everywhere, so that a
// notebook stays small and needs no scripts. The live page belongs to the site that "lateral site" writes beside the
// folder of the notebooks; on the site itself the link leads there, too.
//
//	kernelext.Playground("draw", "Figure 7. Draw a digit and see which units win.")
//
// A name that no playground has is reported on the standard error, with those that there are.
func Playground(name, caption string) {
	bundles, err := playgroundBundles(name, caption)
	if err != nil {
		fmt.Fprintf(os.Stderr, "kernelext: Playground: %v\n", err)
		return
	}
	emit(bundles...)
}

// playgroundBundles returns the picture and the caption.
func playgroundBundles(name, caption string) ([]bundle, error) {
	dir := filepath.Join(os.Getenv(dataset.ModuleEnv), "kernelext", "internal", "playground", "data")
	picture, err := os.ReadFile(filepath.Join(dir, filepath.Base(name)+".png"))
	if err != nil {
		found, _ := filepath.Glob(filepath.Join(dir, "*.png"))
		if len(found) == 0 {
			return nil, fmt.Errorf("%w: run the cell in a checkout of the project", err)
		}
		for i := range found {
			found[i] = strings.TrimSuffix(filepath.Base(found[i]), ".png")
		}
		return nil, fmt.Errorf("there is no playground %q, only %s", name, strings.Join(found, ", "))
	}
	size, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return nil, fmt.Errorf("the picture of %q: %w", name, err)
	}
	width := min(size.Width, 720)
	shown := pictureBundle(picture, fmt.Sprintf("The playground %q at work", name), width, size.Height*width/size.Width)
	const say = "Open the live playground"
	address := "../site/playground/" + name + ".html"
	below := captionBundle(caption)
	below.data["text/html"] = strings.Replace(below.data["text/html"].(string), "</em></p>", fmt.Sprintf(
		`</em> <a href="%s" target="_blank">%s</a>, which <code>lateral site</code> makes.</p>`, html.EscapeString(address),
		say), 1)
	below.data["text/markdown"] = fmt.Sprintf("%s [%s](%s), which `lateral site` makes.", below.data["text/markdown"], say,
		address)
	below.data["text/plain"] = fmt.Sprintf("%s %s: %s, which lateral site makes.", caption, say, address)
	return []bundle{shown, below}, nil
}
