package chatbench

type Timeline struct{}
