// SPDX-License-Identifier: Apache-2.0

// Package lib is the root of the library. It contains no code, only the conventions that the packages below it share.
// The tests beside this file enforce those that a test can check.
//
// # Floors
//
// A package imports packages of its own floor or of lower ones. No package below lib imports kernelext or the notebook
// kernel:
//
//	7  internal/bench internal/golden
//	6  papers papers/internal/spots papers/kh19 papers/lcn15 papers/ninai17 papers/ninai17/clustering
//	6  papers/ninai17/normalization papers/ninai17/pruning papers/ninai17/similarity papers/of96
//	6  papers/thesis21 papers/wta15 models
//	5  classify drmm experiment hebbian language linear prune rbm siamese sparsecode
//	4  train train/report sweep onnx
//	3  nn competitive loss optim gradcheck superres
//	2  autograd dataset dataset/photos dataset/table transform scalemixture
//	1  tensor blas metrics sparsity retrieval embed figure figure/internal/canvas dataset/synth
//	1  render dataset/objects
//	0  durable internal/simd internal/parallel internal/race internal/tables
//
// Tests and examples may import packages of any floor.
//
// # Panics and errors
//
// A programmer's mistake panics: shapes that do not fit, a negative size, a label outside its range. The message names
// the package, the operation and the arguments, and the panic comes before anything is written:
//
//	tensor: CopyFrom: shape [3 2] into [2 3]
//
// Bad input from outside returns an error: files, downloads, settings, the numbers in data, and iterations that do not
// converge. The error says what is wrong, where, and what to do:
//
//	load model.safetensors: tensor: safetensors: tensor "w": unexpected EOF with 12 of its 64 bytes missing:
//	copy or download the file again
//
// Files are written by package durable: under a temporary name, synced, then renamed, so that none is half-written.
//
// # Doc comments
//
// A doc comment is a contract. It gives the equation; the shapes of arguments and results; ranges and units; defaults,
// and the meaning of a zero value; the treatment of ties, NaN and empty inputs; panics and errors; and the source.
//
//	// Hoyer returns Hoyer's index of the N magnitudes,
//	//
//	//	H = (sqrt(N) - ||a||_1/||a||_2) / (sqrt(N) - 1)
//	//
//	// from 0 (all equal) to 1 (a single element is not zero) [Thesis21, eq. 1.19]. a [N].
//	// It is 0 if all elements are zero, and NaN if an element is NaN.
//
// A shape is written [N, D], the shapes of a function x [N, D] -> y [N, K]; images are [N, C, H, W]. A function writes
// to an argument only if its name or its doc comment says so.
//
// # Lines
//
// A line has at most 120 characters, where a tab counts as one, and a file has at most 500 lines. Generated files are
// exempt.
//
// # Sources
//
// The five documents whose experiments the project rebuilds:
//
//	LCN15     Srivastava, Masci, Gomez, Schmidhuber: Understanding locally competitive networks. ICLR 2015
//	WTA15     Makhzani, Frey: Winner-take-all autoencoders. NIPS 2015; known from notes on it
//	NINAI17   NINAI: Cortically inspired machine learning. Undated; its latest reference is from 2017
//	KH19      Krotov, Hopfield: Unsupervised learning by competing hidden units. PNAS 2019; cited from the preprint
//	Thesis21  Askey-Doran: Sparse coding in deep neural networks and the visual system. Thesis, 2021
//
// Further sources that the packages cite:
//
//	BCAHDS19 Belkina, Ciccolella, Anno, Halpert, Spidlen, Snyder-Cappione: Automated optimized parameters for
//	         t-distributed stochastic neighbor embedding. Nature Communications 10, 2019
//	BKH16    Ba, Kiros, Hinton: Layer normalization. arXiv 1607.06450, 2016
//	BT09     Beck, Teboulle: A fast iterative shrinkage-thresholding algorithm for linear inverse problems. SIAM Journal
//	         on Imaging Sciences 2, 2009
//	CAGZB16  Cogswell, Ahmed, Girshick, Zitnick, Batra: Reducing overfitting in deep networks by decorrelating
//	         representations. ICLR 2016
//	DDD04    Daubechies, Defrise, De Mol: An iterative thresholding algorithm for linear inverse problems with a sparsity
//	         constraint. Communications on Pure and Applied Mathematics 57, 2004
//	DP80     Dormand, Prince: A family of embedded Runge-Kutta formulae. Journal of Computational and Applied
//	         Mathematics 6, 1980
//	EGMCE20  Evci, Gale, Menick, Castro, Elsen: Rigging the lottery: making all tickets winners. ICML 2020
//	FCHWL08  Fan, Chang, Hsieh, Wang, Lin: LIBLINEAR: a library for large linear classification. JMLR 9, 2008
//	FHHT07   Friedman, Hastie, Hoefling, Tibshirani: Pathwise coordinate optimization. Annals of Applied Statistics
//	         1, 2007
//	GB10     Glorot, Bengio: Understanding the difficulty of training deep feedforward neural networks. AISTATS 2010
//	GPSW17   Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks. ICML 2017
//	GWMCB13  Goodfellow, Warde-Farley, Mirza, Courville, Bengio: Maxout networks. ICML 2013
//	HMD15    Han, Mao, Dally: Deep compression: compressing deep neural networks with pruning, trained quantization and
//	         Huffman coding. arXiv 1510.00149, 2015
//	Hinton02 Hinton: Training products of experts by minimizing contrastive divergence. Neural Computation 14, 2002
//	Hinton12 Hinton: A practical guide to training restricted Boltzmann machines. Neural Networks: Tricks of the Trade,
//	         second edition, 2012
//	HR09     Hurley, Rickard: Comparing measures of sparsity. IEEE Transactions on Information Theory 55, 2009
//	HS97     Hochreiter, Schmidhuber: Long short-term memory. Neural Computation 9, 1997
//	HZRS15   He, Zhang, Ren, Sun: Delving deep into rectifiers. ICCV 2015
//	IS15     Ioffe, Szegedy: Batch normalization: accelerating deep network training by reducing internal covariate
//	         shift. ICML 2015
//	JP87     Jones, Palmer: An evaluation of the two-dimensional Gabor filter model of simple receptive fields in cat
//	         striate cortex. Journal of Neurophysiology 58, 1987
//	KB15     Kingma, Ba: Adam: a method for stochastic optimization. ICLR 2015
//	KD05     Keerthi, DeCoste: A modified finite Newton method for fast solution of large scale linear SVMs. JMLR 6, 2005
//	Keys81   Keys: Cubic convolution interpolation for digital image processing. IEEE Transactions on Acoustics,
//	         Speech, and Signal Processing 29, 1981
//	LBRN07   Lee, Battle, Raina, Ng: Efficient sparse coding algorithms. NIPS 2006, printed in 2007
//	LG16     Lavin, Gray: Fast algorithms for convolutional neural networks. CVPR 2016
//	LMH01    Lee, Mumford, Huang: Occlusion models for natural images: a statistical study of a scale-invariant dead
//	         leaves model. International Journal of Computer Vision 41, 2001
//	LST15    Lake, Salakhutdinov, Tenenbaum: Human-level concept learning through probabilistic program induction.
//	         Science 350, 2015
//	Maaten14 van der Maaten: Accelerating t-SNE using tree-based algorithms. JMLR 15, 2014
//	MBPS10   Mairal, Bach, Ponce, Sapiro: Online learning for matrix factorization and sparse coding. JMLR 11, 2010
//	MH08     van der Maaten, Hinton: Visualizing data using t-SNE. JMLR 9, 2008
//	OC15     O'Donoghue, Candes: Adaptive restart for accelerated gradient schemes. Foundations of Computational
//	         Mathematics 15, 2015
//	OF96     Olshausen, Field: Emergence of simple-cell receptive field properties by learning a sparse code for natural
//	         images. Nature 381, 1996
//	PMB13    Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks. ICML 2013
//	RJBO08   Rozell, Johnson, Baraniuk, Olshausen: Sparse coding via thresholding and local competition in neural
//	         circuits. Neural Computation 20, 2008
//	RS07     Rehn, Sommer: A network that uses few active neurones to code visual input predicts the diverse shapes of
//	         cortical receptive fields. Journal of Computational Neuroscience 22, 2007
//	RZE08    Rubinstein, Zibulevsky, Elad: Efficient implementation of the K-SVD algorithm using batch orthogonal
//	         matching pursuit. Technion technical report CS-2008-08, 2008
//	SBBF12   Strecha, Bronstein, Bronstein, Fua: LDAHash: improved matching with smaller descriptors. IEEE PAMI 34,
//	         2012
//	SHKSS14  Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov: Dropout: a simple way to prevent neural
//	         networks from overfitting. JMLR 15, 2014
//	SM08     Salakhutdinov, Murray: On the quantitative analysis of deep belief networks. ICML 2008
//	TH12     Tieleman, Hinton: RMSProp. Lecture 6.5 of Neural Networks for Machine Learning, 2012
//	Tieleman08
//	         Tieleman: Training restricted Boltzmann machines using approximations to the likelihood gradient. ICML 2008
//	TV17     Tarvainen, Valpola: Mean teachers are better role models. NIPS 2017
//	VK01     Venna, Kaski: Neighborhood preservation in nonlinear projection methods. ICANN 2001
//	WBSS04   Wang, Bovik, Sheikh, Simoncelli: Image quality assessment: from error visibility to structural
//	         similarity. IEEE Transactions on Image Processing 13, 2004
//	WH18     Wu, He: Group normalization. ECCV 2018
//	WS00     Wainwright, Simoncelli: Scale mixtures of Gaussians and the statistics of natural images. NIPS 2000
//	Winograd80
//	         Winograd: Arithmetic complexity of computations. SIAM, 1980
//	ZG17     Zhu, Gupta: To prune, or not to prune: exploring the efficacy of pruning for model compression. arXiv
//	         1710.01878, 2017
package lib
