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

// Env names the environment variable of the directory that is searched first for data sets. A set is in the directory
// itself or in a sub-folder named after its ID, such as mnist. A relative path is taken from the working directory or,
// if nothing is there, from the root of this module, because notebooks and tests run in their own folders.
const Env = "LATERAL_DATA"

const modulePath = "github.com/lateral-ml/lateral"

// A Place is where the files of a data set were found.
type Place struct {
	Label string   // description: "$LATERAL_DATA", "data/cache", "the directory given"
	Dir   string   // the directory that holds the files
	Cache bool     // whether it is the directory of downloads, see CacheDir
	Paths []string // path of each file of the manifest, empty if missing; within Archive, if there is one

	Archive string // path of the set's archive, if the files are still in it
	given   bool   // named by the caller
	spare   bool   // searched, but never a target of downloads
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

// complete returns an error that lists the files that were not found, if there are any.
func (p Place) complete(set data.Set) error {
	missing := p.Missing(set)
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("dataset: %s has only a part of %s: run `%s`, or %s",
		p.Dir, set.Name, p.get(set), whatToPut(set, p.Dir, missing...))
}

// damaged adds the remedy to the error of a file.
func (p Place) damaged(set data.Set, err error) error {
	if set.Recipe != "" {
		return fmt.Errorf("dataset: %w\nreplace the named file with a good copy, or make it again: %s", err, set.Recipe)
	}
	return fmt.Errorf("dataset: %w\nreplace the named file with a good copy, or run `%s` to download one", err, p.get(set))
}

// get returns the command that downloads the missing or damaged files of a place.
func (p Place) get(set data.Set) string {
	if p.given {
		return fmt.Sprintf("lateral data get %s --dir %s", set.ID, p.Dir)
	}
	return "lateral data get " + set.ID
}

// Find searches for the files of a set. It searches dir alone if it is not empty, otherwise $LATERAL_DATA and then the
// cache. In each of these it searches the directory itself and its sub-folder named after the set's ID; for a set with
// an archive also the archive's folder in either, and then the archive. It returns the first place that holds at least
// one of the files; found is false if there is none. It returns an error if a directory that was named cannot be read.
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

// roots returns the directories that are searched for data sets, in order.
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
	// Downloads made outside of the module are found inside it, too.
	if user, label, err := userCache(); err == nil && user != cache {
		places = append(places, Place{Label: label, Dir: user, Cache: true, spare: true})
	}
	return places, nil
}

// fromRoot returns dir, taken from the module's root if it is relative and exists only there.
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

// readable returns an error if a directory that the user named, by argument or environment, does not exist.
func readable(root Place) error {
	info, err := os.Stat(root.Dir)
	if err != nil {
		return fmt.Errorf("dataset: %s cannot be read: %w; name a directory that exists, or none to use the embedded data",
			root.Label, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("dataset: %s, %s, is a file; name the directory that holds it", root.Label, root.Dir)
	}
	return nil
}

// look searches one directory for files of a set.
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

// spellings returns the names under which a file is accepted: with - or . before idx, plain (which reads fastest) or
// compressed.
func spellings(name string) []string {
	dotted := strings.Replace(name, "-idx", ".idx", 1)
	return []string{name, dotted, name + ".gz", dotted + ".gz"}
}

// CacheDir returns the directory of downloaded data and its name for messages. It is data/cache of the module that
// contains the working directory, or else of the module that $LATERAL_MODULE names (the command lateral sets it).
// Without a module it is lateral in the user's cache directory. It need not exist.
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

// ModuleEnv names the environment variable of this module's folder, for programs that run outside of it.
const ModuleEnv = "LATERAL_MODULE"

// moduleRoot returns the folder of this module's go.mod, searching upwards from the working directory, or else the
// folder in ModuleEnv.
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
