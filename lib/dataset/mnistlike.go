// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"strings"
)

// FashionMNIST loads 60,000 training and 10,000 test images of clothes in ten classes, [N, 1, 28, 28] in [0, 1]. Files
// are found, downloaded and checked as those of [MNIST], in the sub-folder fashion-mnist.
func FashionMNIST(dir string) (train, test *Set, err error) {
	return named("fashion-mnist", dir, "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker",
		"bag", "ankle boot")
}

// KMNIST loads 60,000 training and 10,000 test images of cursive Japanese characters in ten classes, [N, 1, 28, 28] in
// [0, 1]. Files are found, downloaded and checked as those of [MNIST], in the sub-folder kmnist.
func KMNIST(dir string) (train, test *Set, err error) {
	return named("kmnist", dir, "o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
}

// named loads a set like MNIST and names its classes.
func named(id, dir string, classes ...string) (train, test *Set, err error) {
	train, test, err = likeMNIST(id, dir)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range []*Set{train, test} {
		if len(s.Classes) > len(classes) {
			return nil, nil, fmt.Errorf("dataset: %s has a label %s, want at most %d", s.Name, s.Classes[len(s.Classes)-1],
				len(classes)-1)
		}
		s.Classes = classes
	}
	return train, test, nil
}

const digits, upper, lower = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"

// EMNIST loads handwritten letters and digits, upright, [N, 1, 28, 28] in [0, 1]. The parts are "balanced" (47 classes;
// lower-case letters that look like capitals share their class), "letters" (26), "digits" (10) and "byclass" (62). The
// files are in the sub-folder emnist-balanced and so on; they are not downloaded, because their archive also contains
// all the others. The error says where to get it. The sums of the single files are not published: only their sizes are
// checked.
func EMNIST(dir, part string) (train, test *Set, err error) {
	classes := map[string]string{
		"balanced": digits + upper + "abdefghnqrt", "letters": lower, "digits": digits, "byclass": digits + upper + lower,
	}[part]
	if classes == "" {
		return nil, nil, fmt.Errorf("dataset: EMNIST has no part %q: use balanced, letters, digits or byclass", part)
	}
	train, test, err = likeMNIST("emnist-"+part, dir)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range []*Set{train, test} {
		for i, y := range s.Y {
			if part == "letters" {
				y-- // the file counts from 1
			}
			if y < 0 || y >= len(classes) {
				return nil, nil, fmt.Errorf("dataset: %s: label %d is %d, want one of %d classes", s.Name, i, s.Y[i], len(classes))
			}
			s.Y[i] = y
		}
		s.Classes = strings.Split(classes, "")
		for i := range s.Len() {
			mirrorDiagonal(s.X.Row(i), s.X.Dim(2))
		}
	}
	return train, test, nil
}

// mirrorDiagonal exchanges rows and columns of a square image.
func mirrorDiagonal(x []float32, side int) {
	for r := range side {
		for c := range r {
			x[r*side+c], x[c*side+r] = x[c*side+r], x[r*side+c]
		}
	}
}
