" Flow, device and library files of flowrun.
autocmd BufRead,BufNewFile *.flow setfiletype flow
