module example.org/hakmem

go 1.19
