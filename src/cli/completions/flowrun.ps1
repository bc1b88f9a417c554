# Completes the words of flowrun in PowerShell: flowrun itself says what fits.
Register-ArgumentCompleter -Native -CommandName flowrun -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $elements = @($commandAst.CommandElements)
    $before = @($elements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { $_.Extent.Text.Trim('"', "'") })
    # An empty word is not handed on by every PowerShell: two quotes stand for it.
    $current = if ("$wordToComplete" -eq '') { '""' } else { "$wordToComplete".Trim('"', "'") }
    $program = $elements[0].Extent.Text.Trim('"', "'")
    & $program completions powershell '--' @before $current 2>$null | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        $text = if ($value -match '[\s@''()&;]') { "'" + $value.Replace("'", "''") + "'" } else { $value }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)
    }
}
