// SPDX-License-Identifier: Apache-2.0

// Package image_test holds the files of the container image to the repository that they name.
package image_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func exists(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, path)); err != nil {
		t.Error(err)
	}
}

// Every file of the repository that the Dockerfile copies or runs is there, programs can be executed, and it does not
// end as root.
func TestDockerfile(t *testing.T) {
	text, found := read(t, "Dockerfile"), 0
	for _, m := range regexp.MustCompile(`(?:/home/lateral/lateral/|COPY |/opt/image/)(kernelext/image)?([\w./]*)`).
		FindAllStringSubmatch(text, -1) {
		path := filepath.Join(m[1], m[2])
		if strings.HasPrefix(m[0], "/opt/image/") {
			path = filepath.Join("kernelext/image", m[2])
		}
		if path == "." { // the whole repository
			continue
		}
		found++
		exists(t, path)
		if info, err := os.Stat(filepath.Join(root, path)); err == nil && strings.HasSuffix(path, ".sh") &&
			info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be executed", path)
		}
	}
	if found < 4 {
		t.Errorf("the Dockerfile names %d files", found)
	}
	users := regexp.MustCompile(`(?m)^USER (\S+)`).FindAllStringSubmatch(text, -1)
	if len(users) == 0 || users[len(users)-1][1] != "1000:0" {
		t.Errorf("the image runs as %v", users)
	}
}

// The development container is JSON with comments, built from the Dockerfile; its commands are of this repository.
func TestDevcontainer(t *testing.T) {
	text := regexp.MustCompile(`(?m)(^|\s)//.*$`).ReplaceAllString(read(t, ".devcontainer/devcontainer.json"), "")
	var c struct {
		Build             struct{ Dockerfile, Context string }
		RemoteUser        string
		PostCreateCommand string
		Customizations    struct{ Codespaces struct{ OpenFiles []string } }
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	exists(t, filepath.Join(".devcontainer", c.Build.Dockerfile))
	exists(t, filepath.Join(".devcontainer", c.Build.Context, "go.mod"))
	command := strings.Fields(c.PostCreateCommand)
	if len(command) < 3 || command[0] != "go" || command[1] != "run" || c.RemoteUser != "lateral" {
		t.Fatalf("%+v", c)
	}
	exists(t, command[2])
	for _, file := range c.Customizations.Codespaces.OpenFiles {
		exists(t, file)
	}
}

// What compose.yaml reads from the environment can be set in front of a command (bash keeps UID to itself), and its
// comment names it.
func TestCompose(t *testing.T) {
	comment, body, _ := strings.Cut(read(t, "kernelext/image/compose.yaml"), "\nname:")
	names := regexp.MustCompile(`\$\{(\w+)`).FindAllStringSubmatch(body, -1)
	for _, m := range names {
		if m[1] == "UID" || !strings.Contains(comment, m[1]) {
			t.Errorf("the variable %s", m[1])
		}
	}
	if len(names) < 3 {
		t.Errorf("it reads %v", names)
	}
	if m := regexp.MustCompile(`context: (\S+)`).FindStringSubmatch(body); m == nil {
		t.Error("it builds nothing")
	} else {
		exists(t, filepath.Join("kernelext/image", m[1], "Dockerfile"))
	}
}
