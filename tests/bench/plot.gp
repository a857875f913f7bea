# gnuplot -e "points='FILE'; machine='...'" plot.gp > ratio.svg
set terminal svg size 900,380 font "sans-serif,13" background "white" noenhanced
set multiplot layout 1,2 title machine font ",11"
set style data yerrorlines
set grid ytics lc rgb "#dddddd"
set yrange [0:1.2]
set key bottom left
set ylabel "of the limit's speed (quartiles)"

set title "by size"
set xlabel "bytes"
set xtics ("0" 256, "1 Ki" 1024, "16 Ki" 16384, "256 Ki" 262144, \
    "4 Mi" 4194304, "64 Mi" 67108864)
set logscale x
set xrange [180:134217728]
# 0 has no place on such a scale: it is drawn at 256.
place(x) = x == 0 ? 256 : x
kind(name) = sprintf("< grep '^%s' %s", name, points)
plot 1 with lines lc rgb "#888888" notitle, \
    kind("answer") using (place($2)):3:4:5 lw 2 pt 7 ps 0.6 lc rgb "#0060ad" \
    title "answer, collected", \
    kind("upload") using (place($2)):3:4:5 lw 2 pt 7 ps 0.6 lc rgb "#dd6600" \
    title "upload"

set title "by threads on one client"
set xlabel "threads"
set xrange [0.8:20]
set xtics (1, 2, 4, 8, 16)
plot 1 with lines lc rgb "#888888" notitle, \
    kind("threads") using 2:3:4:5 lw 2 pt 7 ps 0.6 lc rgb "#008844" \
    title "small requests"
unset multiplot
