// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/data"
)

// Env names the environment variable of the directory in which data sets are looked for first. Each set is in the
// directory itself or in a sub-folder of its ID, such as mnist.
const Env = "LATERAL_DATA"

const modulePath = "github.com/lateral-ml/lateral"

// A Place is where the files of a data set were found.
type Place struct {
	Label string   // the place in words: "$LATERAL_DATA", "data/cache", "the directory given"
	Dir   string   // the directory that holds the files
	Paths []string // for each file of the manifest, its path, empty where it is missing
}

// Missing returns the names of the files that were not found.
func (p Place) Missing(set data.Set) []string {
	var names []string
	for i, f := range set.Files {
		if p.Paths[i] == "" {
			names = append(names, f.Name+".gz")
		}
	}
	return names
}

// Find looks for the files of a set: in dir alone if it is not empty, else in $LATERAL_DATA and then in the cache,
// in each in the directory itself and in its sub-folder of the set's ID. The first place that holds at least one of the
// files is returned; found is false where there is none. A directory that was named and cannot be read is an error.
func Find(set data.Set, dir string) (p Place, found bool, err error) {
	type root struct{ label, dir string }
	var roots []root
	if dir != "" {
		roots = []root{{"the directory given", dir}}
	} else {
		if env := os.Getenv(Env); env != "" {
			roots = append(roots, root{"$" + Env, env})
		}
		cache, label, err := CacheDir()
		if err != nil && len(roots) == 0 {
			return Place{}, false, err
		}
		if err == nil {
			roots = append(roots, root{label, cache})
		}
	}
	for _, r := range roots {
		for _, d := range []string{r.dir, filepath.Join(r.dir, set.ID)} {
			if p, found := look(set, d); found {
				p.Label = r.label
				return p, true, nil
			}
		}
		if err := checkNamed(r.label, r.dir, dir); err != nil {
			return Place{}, false, err
		}
	}
	return Place{}, false, nil
}

// checkNamed refuses a directory that a person named, by argument or environment, and that is not there.
func checkNamed(label, dir, given string) error {
	if given == "" && label != "$"+Env {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("dataset: %s is no readable directory: %w; correct it, or leave it out to use the embedded data", label, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("dataset: %s, %s, is a file; name the directory that holds it", label, dir)
	}
	return nil
}

// look searches one directory for any of the files of a set.
func look(set data.Set, dir string) (p Place, found bool) {
	p = Place{Dir: dir, Paths: make([]string, len(set.Files))}
	for i, f := range set.Files {
		for _, name := range spellings(f.Name) {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				p.Paths[i], found = path, true
				break
			}
		}
	}
	return p, found
}

// spellings returns the names under which a file is accepted: with - or . before idx, plain (fastest to read) or
// compressed.
func spellings(name string) []string {
	dotted := strings.Replace(name, "-idx", ".idx", 1)
	return []string{name, dotted, name + ".gz", dotted + ".gz"}
}

// CacheDir returns the directory of downloaded data and its name for people: data/cache of the module that the working
// directory is in, or where there is none, lateral in the user's cache directory. It need not exist.
func CacheDir() (dir, label string, err error) {
	if root, ok := moduleRoot(); ok {
		return filepath.Join(root, "data", "cache"), "data/cache", nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", fmt.Errorf("dataset: no place for downloaded data (%w): set %s to a directory", err, Env)
	}
	return filepath.Join(cache, "lateral"), "the user's cache", nil
}

// moduleRoot walks from the working directory up to the folder of this module's go.mod.
func moduleRoot() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if declaresModule(filepath.Join(dir, "go.mod")) {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

func declaresModule(gomod string) bool {
	f, err := os.Open(gomod)
	if err != nil {
		return false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) >= 2 && fields[0] == "module" {
			return strings.Trim(fields[1], `"`) == modulePath
		}
	}
	return false
}
