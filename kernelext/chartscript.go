// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/dataset"
)

// chartsVariable says what becomes of the chart library: "" keeps it in the notebook once, "cdn" leaves it to the
// browser, "page" to the page that `lateral run` makes of the notebook.
const chartsVariable = "LATERAL_ECHARTS"

// chartLibrary is the manifest's entry of the script that draws interactive views.
func chartLibrary() data.Set {
	set, ok := data.Lookup("echarts")
	if !ok {
		panic("kernelext: the manifest has no echarts") // it is embedded
	}
	return set
}

// chartAddress is where a browser finds the same file, if this machine has none.
const chartAddress = "https://cdn.jsdelivr.net/npm/echarts@5.6.0/dist/echarts.min.js"

// integrity returns the check sum in the form that browsers check.
func integrity(set data.Set) string {
	sum, err := hex.DecodeString(set.Files[0].SHA256)
	if err != nil {
		panic(fmt.Sprintf("kernelext: manifest: %v", err))
	}
	return "sha256-" + base64.StdEncoding.EncodeToString(sum)
}

// ChartScript returns the script that draws interactive views as it is kept in notebooks and pages: compressed (gzip)
// and in base64. The error says why there is none on this machine, or what is wrong with it, and what to do.
func ChartScript() (string, error) {
	set := chartLibrary()
	place, found, err := dataset.Find(set, "")
	if err != nil {
		return "", err
	}
	if !found {
		return "", fmt.Errorf("%s is not on this machine: `lateral data get %s` fetches it", set.Name, set.ID)
	}
	if place.Archive != "" {
		return "", fmt.Errorf("%s is still in its archive: `lateral data get %s` unpacks it", set.Name, set.ID)
	}
	content, err := os.ReadFile(place.Paths[0])
	if err != nil {
		return "", err
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != set.Files[0].SHA256 {
		return "", fmt.Errorf("%s has another check sum than it should: `lateral data get %s` replaces it",
			place.Paths[0], set.ID)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(content); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

// chartScript returns what the output of a view must bring: the script, if no other view of this kernel brings it. When
// a cell runs again, its old output goes, so the same view brings the script again.
func chartScript(key string) string {
	if os.Getenv(chartsVariable) != "" {
		return ""
	}
	current.recall()
	if current.Charts == "" {
		current.Charts = key
		_ = current.keep() // at worst the script is in the notebook twice
	}
	if current.Charts != key || current.brought {
		return ""
	}
	current.brought = true
	script, err := ChartScript()
	if err != nil {
		fmt.Printf("interactive views load their script from %s: %v\n", chartAddress, err)
	}
	return script
}
