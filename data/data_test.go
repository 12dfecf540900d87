// SPDX-License-Identifier: Apache-2.0

package data

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func ExampleLookup() {
	set, ok := Lookup("mnist")
	fmt.Println(ok, set.Name, len(set.Files), set.Size())
	// Output: true MNIST 4 54950048
}

func TestManifestIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Sets() {
		if s.ID == "" || seen[s.ID] || s.Name == "" || s.Description == "" || s.Licence == "" || s.Home == "" ||
			len(s.Files) == 0 {
			t.Errorf("%+v lacks something, or is listed twice", s)
		}
		seen[s.ID] = true
		if (len(s.Mirrors) == 0) != (s.Recipe != "") {
			t.Errorf("%s: %d mirrors, recipe %q: want one or the other", s.ID, len(s.Mirrors), s.Recipe)
		}
		for i, m := range s.Mirrors {
			// The check sums make http safe; it comes last, for sets whose makers offer nothing else.
			if u, err := url.Parse(m); err != nil || u.Scheme != "https" && !(u.Scheme == "http" && i > 0) ||
				!strings.HasSuffix(m, "/") {
				t.Errorf("%s: mirror %q is no https folder", s.ID, m)
			}
		}
		if a := s.Archive; a != nil {
			if sum, err := hex.DecodeString(a.SHA256); err != nil || len(sum) != 32 || !(strings.HasSuffix(a.Name, ".tar.gz") ||
				strings.HasSuffix(a.Name, ".tgz")) || a.Size <= 0 || a.Folder == "" {
				t.Errorf("%s: %+v", s.ID, a)
			}
		}
		for _, f := range s.Files {
			sum, err := hex.DecodeString(f.SHA256 + f.Gzip)
			known := err == nil && len(sum) == 32 || f.SHA256+f.Gzip == "" && strings.HasPrefix(s.ID, "emnist-")
			if !known || f.Name == "" || f.Size <= 0 {
				t.Errorf("%s: %+v", s.ID, f)
			}
		}
	}
	if len(seen) == 0 {
		t.Error("the manifest is empty")
	}
}

func TestLookupOfAnUnknownSet(t *testing.T) {
	if s, ok := Lookup("nothing"); ok {
		t.Errorf("found %+v", s)
	}
}
