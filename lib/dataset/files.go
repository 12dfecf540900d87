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
// directory itself or in a sub-folder of its ID, such as mnist. A relative directory starts at the working directory or,
// if it is not there, at the root of this module: notebooks and tests run in folders of their own.
const Env = "LATERAL_DATA"

const modulePath = "github.com/lateral-ml/lateral"

// A Place is where the files of a data set were found.
type Place struct {
	Label string   // the place in words: "$LATERAL_DATA", "data/cache", "the directory given"
	Dir   string   // the directory that holds the files
	Cache bool     // it is the directory of downloads, see CacheDir
	Paths []string // for each file of the manifest, its path, empty where it is missing; within Archive, if there is one

	Archive string // path of the set's archive, if the files are still in it
	given   bool   // named by the caller
	spare   bool   // looked at, but nothing is downloaded to it
}

// Missing returns the names of the files that were not found.
func (p Place) Missing(set data.Set) []string {
	var names []string
	for i, f := range set.Files {
		if p.Paths[i] == "" {
			names = append(names, f.Name)
		}
	}
	return names
}

// get returns the command that downloads what is missing or damaged in a place.
func (p Place) get(set data.Set) string {
	if p.given {
		return fmt.Sprintf("lateral data get %s --dir %s", set.ID, p.Dir)
	}
	return "lateral data get " + set.ID
}

// Find looks for the files of a set: in dir alone if it is not empty, else in $LATERAL_DATA and then in the cache,
// in each in the directory itself and in its sub-folder of the set's ID; a set with an archive also in the archive's
// folder in either, and then in the archive. The first place that holds at least one of the files is returned; found is false where there is none. A directory that was named and cannot be read is an error.
func Find(set data.Set, dir string) (p Place, found bool, err error) {
	places, err := roots(dir)
	if err != nil {
		return Place{}, false, err
	}
	for _, root := range places {
		if !root.Cache {
			if err := readable(root); err != nil {
				return Place{}, false, err
			}
		}
		dirs := []string{root.Dir, filepath.Join(root.Dir, set.ID)}
		if set.Archive != nil {
			dirs = append(dirs, filepath.Join(dirs[0], set.Archive.Folder), filepath.Join(dirs[1], set.Archive.Folder))
		}
		for _, d := range dirs {
			if paths, found := look(set, d); found {
				root.Dir, root.Paths = d, paths
				return root, true, nil
			}
		}
		if set.Archive == nil {
			continue
		}
		for _, d := range dirs[:2] {
			archive := filepath.Join(d, set.Archive.Name)
			if info, err := os.Stat(archive); err == nil && info.Mode().IsRegular() {
				root.Dir, root.Archive = d, archive
				for _, f := range set.Files {
					root.Paths = append(root.Paths, filepath.Join(archive, set.Archive.Folder, f.Name))
				}
				return root, true, nil
			}
		}
	}
	return Place{}, false, nil
}

// roots returns the directories in which data sets are looked for, in order.
func roots(dir string) ([]Place, error) {
	if dir != "" {
		return []Place{{Label: "the directory given", Dir: dir, given: true}}, nil
	}
	var places []Place
	if env := os.Getenv(Env); env != "" {
		places = append(places, Place{Label: "$" + Env, Dir: fromRoot(env)})
	}
	cache, label, err := CacheDir()
	if err != nil && len(places) == 0 {
		return nil, err
	}
	if err == nil {
		places = append(places, Place{Label: label, Dir: cache, Cache: true})
	}
	// What was downloaded outside of the module is found inside it, too.
	if user, label, err := userCache(); err == nil && user != cache {
		places = append(places, Place{Label: label, Dir: user, Cache: true, spare: true})
	}
	return places, nil
}

// fromRoot returns dir, from the module's root if it is relative and only there.
func fromRoot(dir string) string {
	if _, err := os.Stat(dir); err == nil || filepath.IsAbs(dir) {
		return dir
	}
	if root, ok := moduleRoot(); ok {
		if _, err := os.Stat(filepath.Join(root, dir)); err == nil {
			return filepath.Join(root, dir)
		}
	}
	return dir
}

// readable refuses a directory that a person named, by argument or environment, and that is not there.
func readable(root Place) error {
	info, err := os.Stat(root.Dir)
	if err != nil {
		return fmt.Errorf("dataset: %s cannot be read: %w; name a directory that exists, or none to use the embedded data", root.Label, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("dataset: %s, %s, is a file; name the directory that holds it", root.Label, root.Dir)
	}
	return nil
}

// look searches one directory for any of the files of a set.
func look(set data.Set, dir string) (paths []string, found bool) {
	paths = make([]string, len(set.Files))
	for i, f := range set.Files {
		for _, name := range spellings(f.Name) {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				paths[i], found = path, true
				break
			}
		}
	}
	return paths, found
}

// spellings returns the names under which a file is accepted: with - or . before idx, plain (fastest to read) or
// compressed.
func spellings(name string) []string {
	dotted := strings.Replace(name, "-idx", ".idx", 1)
	return []string{name, dotted, name + ".gz", dotted + ".gz"}
}

// CacheDir returns the directory of downloaded data and its name for people: data/cache of the module that the working
// directory is in or, elsewhere, that $LATERAL_MODULE names (the command lateral sets it); where there is none, lateral in
// the user's cache directory. It need not exist.
func CacheDir() (dir, label string, err error) {
	if root, ok := moduleRoot(); ok {
		return filepath.Join(root, "data", "cache"), "data/cache", nil
	}
	return userCache()
}

func userCache() (dir, label string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", fmt.Errorf("dataset: no place for downloaded data (%w): set %s to a directory", err, Env)
	}
	return filepath.Join(cache, "lateral"), "the user's cache", nil
}

// ModuleEnv names the folder of this module for programs that run elsewhere.
const ModuleEnv = "LATERAL_MODULE"

// moduleRoot walks from the working directory up to the folder of this module's go.mod; else it is what ModuleEnv names.
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
			root := os.Getenv(ModuleEnv)
			return root, root != "" && declaresModule(filepath.Join(root, "go.mod"))
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
