// SPDX-License-Identifier: Apache-2.0

package dataset

import "slices"

var cifar10Classes = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

// cifar100Groups are the superclasses of CIFAR-100, in the order of their labels, with their classes.
var cifar100Groups = []struct {
	name    string
	classes [5]string
}{
	{"aquatic mammals", [5]string{"beaver", "dolphin", "otter", "seal", "whale"}},
	{"fish", [5]string{"aquarium fish", "flatfish", "ray", "shark", "trout"}},
	{"flowers", [5]string{"orchid", "poppy", "rose", "sunflower", "tulip"}},
	{"food containers", [5]string{"bottle", "bowl", "can", "cup", "plate"}},
	{"fruit and vegetables", [5]string{"apple", "mushroom", "orange", "pear", "sweet pepper"}},
	{"household electrical devices", [5]string{"clock", "keyboard", "lamp", "telephone", "television"}},
	{"household furniture", [5]string{"bed", "chair", "couch", "table", "wardrobe"}},
	{"insects", [5]string{"bee", "beetle", "butterfly", "caterpillar", "cockroach"}},
	{"large carnivores", [5]string{"bear", "leopard", "lion", "tiger", "wolf"}},
	{"large man-made outdoor things", [5]string{"bridge", "castle", "house", "road", "skyscraper"}},
	{"large natural outdoor scenes", [5]string{"cloud", "forest", "mountain", "plain", "sea"}},
	{"large omnivores and herbivores", [5]string{"camel", "cattle", "chimpanzee", "elephant", "kangaroo"}},
	{"medium-sized mammals", [5]string{"fox", "porcupine", "possum", "raccoon", "skunk"}},
	{"non-insect invertebrates", [5]string{"crab", "lobster", "snail", "spider", "worm"}},
	{"people", [5]string{"baby", "boy", "girl", "man", "woman"}},
	{"reptiles", [5]string{"crocodile", "dinosaur", "lizard", "snake", "turtle"}},
	{"small mammals", [5]string{"hamster", "mouse", "rabbit", "shrew", "squirrel"}},
	{"trees", [5]string{"maple tree", "oak tree", "palm tree", "pine tree", "willow tree"}},
	{"vehicles 1", [5]string{"bicycle", "bus", "motorcycle", "pickup truck", "train"}},
	{"vehicles 2", [5]string{"lawn mower", "rocket", "streetcar", "tank", "tractor"}},
}

// cifar100Classes are the classes in the order of their labels, which is alphabetical, and superclassOf the superclass
// of each.
var cifar100Classes, superclassOf = func() (names []string, super []int) {
	of := map[string]int{}
	for i, g := range cifar100Groups {
		for _, name := range g.classes {
			names, of[name] = append(names, name), i
		}
	}
	slices.Sort(names)
	for _, name := range names {
		super = append(super, of[name])
	}
	return names, super
}()

func cifar100Superclasses() []string {
	names := make([]string, len(cifar100Groups))
	for i, g := range cifar100Groups {
		names[i] = g.name
	}
	return names
}
